"""The cookie of a session over TLS, kept by a client that enforces its prefix, and over plain http, where it is none.

curl is that client: like a browser it keeps nothing that is named `__Host-` unless it is Secure, for `/` and for one
host, and came over https.
"""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from starlette.applications import Starlette

from api.house import build_house, now
from api.server import build_server
from api.settings import Environment, Settings, TokenIssuer
from models.database import Database
from tests.auth.serving import served
from tests.auth.test_oidc import Liar
from tests.signing_keys import a_key

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: no client with a jar")
SECRET = SecretStr("not the one that everybody knows, for sure")
HOST = "billing.example"
"""A name that is no loopback address: to those, clients send a Secure cookie over plain http too."""
VIEWER = '{"query": "{ viewer { email } }"}'


@dataclass(frozen=True, slots=True)
class Doors:
    """A house in production, at its address and at one that nobody should have opened to the world."""

    tls: str
    plain: str
    certificate: Path


@dataclass(slots=True)
class Curl:
    """A client with a jar of cookies."""

    doors: Doors
    jar: Path

    async def get(self, url: str, *arguments: str) -> tuple[int, str, str]:
        """Return the status, where it leads to and the body."""
        asked = ["-b", str(self.jar), "-c", str(self.jar), "--cacert", str(self.doors.certificate), *arguments, url]
        for address in (self.doors.tls, self.doors.plain):
            asked += ["--resolve", f"{urlsplit(address).netloc}:127.0.0.1"]
        shown = "%{stderr}%{http_code} %{redirect_url}"
        process = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--noproxy", "*", "-w", shown, *asked,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        body, said = await process.communicate()
        status, _, location = said.decode().partition(" ")
        return int(status), location, body.decode()

    async def sign_in(self, origin: str, liar: Liar) -> int:
        """Set out at an origin, and come back to it as the provider says; return the status of that."""
        _, location, _ = await self.get(f"{origin}/login")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        liar.nonce = asked["nonce"]
        status, _, _ = await self.get(f"{origin}/callback?code=c&state={asked['state']}")
        return status

    async def viewer(self, origin: str, *arguments: str) -> str:
        """Return what a page of ours is told when it asks who one is."""
        headers = ("-H", f"Origin: {self.doors.tls}", "-H", "Content-Type: application/json")
        return (await self.get(f"{origin}/graphql", *headers, "-d", VIEWER, *arguments))[2]

    @property
    def kept(self) -> list[list[str]]:
        """The cookies in the jar: host, whether of the whole domain, path, whether secure, until when, name, value."""
        lines = self.jar.read_text().splitlines() if self.jar.exists() else []
        return [line.removeprefix("#HttpOnly_").split("\t") for line in lines if line.count("\t") == 6]


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for this machine that vouches for itself, and its key; return where they are."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "house")])
    at = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(hours=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@asynccontextmanager
async def doors(database: Database, folder: Path, liar: Liar) -> AsyncIterator[Doors]:
    """Serve a house in production over TLS, and the same house without."""
    certificate, key = a_certificate(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(
        environment=Environment.PRODUCTION,
        port=port,
        public_url=f"https://{HOST}:{port}",
        session_secret=SECRET,
        data_secrets=(SECRET,),
        webhook_secret_keys=(SecretStr("A" * 43 + "="),),
        issuers=(TokenIssuer(url="https://idp.example", audience="billgraph"),),
        development_sign_in=False,
        sign_in_issuer=liar.origin,
    )
    house: Starlette = build_house(database, settings)
    server = build_server(house, settings)
    server.config.ssl_certfile, server.config.ssl_keyfile = certificate, key
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        async with served(lambda _: house) as plain:
            yield Doors(settings.public_url, plain.replace("127.0.0.1", HOST), certificate)
    finally:
        server.should_exit = True
        await serving


async def test_a_session_lives_over_tls_and_nowhere_else(database: Database, tmp_path: Path) -> None:
    liar, at = Liar(a_key()), int(now().timestamp())
    liar.claims = {"iat": at, "exp": at + 600}
    async with served(liar.build), doors(database, tmp_path, liar) as house:
        ann, eve = Curl(house, tmp_path / "ann"), Curl(house, tmp_path / "eve")

        assert await ann.sign_in(house.tls, liar) == 303
        (cookie,) = ann.kept
        host, of_domain, path, secure, _, name, token = cookie
        assert (host, of_domain, path, secure, name) == (HOST, "FALSE", "/", "TRUE", "__Host-billgraph")
        assert "ann@acme.example" in await ann.viewer(house.tls)

        assert "UNAUTHENTICATED" in await ann.viewer(house.plain), "the jar does not send it over plain http"
        assert await eve.sign_in(house.plain, liar) == 400
        assert eve.kept == [], "neither the sign-in nor a session begins there"
        assert "UNAUTHENTICATED" in await eve.viewer(house.tls, "-b", f"billgraph={token}"), "the prefix is the name"
