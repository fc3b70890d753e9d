"""Whose tokens does the server under test believe?

Those of an issuer that lives as long as the proof: a key, and its public half over HTTP. The server is configured as in
production, with an issuer and an address of its keys, and verifies every token.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from api.house import now
from api.identity import AUDIENCE
from auth.development import Persona, mint_access_token
from auth.signing import SigningKey

LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer of tokens, known by where its keys are."""

    url: str
    key: SigningKey

    @property
    def setting(self) -> str:
        """The issuer as BILLGRAPH_ISSUERS names it."""
        return json.dumps([{"url": self.url, "audience": AUDIENCE, "jwks_url": f"{self.url}/jwks"}])

    def token(self, email: str, name: str) -> str:
        """Return a token for somebody."""
        persona = Persona(email, name, "")
        return mint_access_token(self.key, persona, issuer=self.url, audience=AUDIENCE, at=now(), lifetime=LIFETIME)


@contextmanager
def issuing(folder: Path) -> Iterator[Issuer]:
    """Yield an issuer whose keys can be fetched until the block ends."""
    key = SigningKey.load_or_create(folder / "issuer.pem")
    body = json.dumps({"keys": [key.public]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's own signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(f"http://127.0.0.1:{server.server_address[1]}", key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
