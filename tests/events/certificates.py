"""An authority of a test's own, and a server on this machine with a certificate of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody who signs certificates."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The authority's own certificate, for those who trust it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def signed(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """Write a certificate for some names or addresses and its key; return where they are."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        certificate = (
            _builder("receiver", self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        chain, private = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return chain, private


@cache
def authority() -> Authority:
    """Return the authority of this process."""
    return an_authority()


def an_authority() -> Authority:
    """Return an authority that nobody knows yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of the tests")])
    built = _builder("authority of the tests", name, key)
    basic = x509.BasicConstraints(ca=True, path_length=0)
    return Authority(key, built.add_extension(basic, critical=True).sign(key, hashes.SHA256()))


@dataclass(slots=True)
class Door:
    """A server over TLS: which names it was called by, and what arrived."""

    port: int = 0
    called: list[str | None] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def behind_tls(folder: Path, *names: str, by: Authority | None = None) -> AsyncIterator[Door]:
    """Yield a server on this machine whose certificate is for the given names, signed by this process's authority."""
    door = Door()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(by or authority()).signed(folder, *names))
    context.sni_callback = lambda _socket, name, _context: door.called.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        door.port = server.sockets[0].getsockname()[1]
        yield door


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
