"""A bridge from webhooks to people: verify, forget repeats, print a line, and forward it to a chat.

    WEBHOOK_SECRET=whsec_… CHAT_URL=https://chat.example/hooks/… python bridge.py 9000

It needs nothing but Python. Without CHAT_URL it only prints. For e-mail, replace `forward` with `smtplib`.
"""

import base64
import hmac
import json
import os
import sys
import time
import urllib.request
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 1 << 20
SECONDS_MAX = 300
REMEMBERED_MAX = 10_000
_seen: "OrderedDict[str, None]" = OrderedDict()


def verify(secret: str, headers: dict[str, str], body: bytes) -> dict:
    """Return the message, or raise ValueError for one that is not from billgraph or is too old."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > SECONDS_MAX:
        raise ValueError("the message is too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    given = headers["webhook-signature"].split(" ")
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in given):
        raise ValueError("no signature holds")
    return json.loads(body)


def line(message: dict) -> str:
    """Return what people read."""
    facts = {name: value for name, value in message["data"].items() if name not in {"cursor", "schemaVersion"}}
    return f"{message['timestamp']} {message['type']} {json.dumps(facts, ensure_ascii=False)}"


def forward(text: str, url: str) -> None:
    """Post a line to a chat's incoming webhook."""
    request = urllib.request.Request(url, json.dumps({"text": text}).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


class Bridge(BaseHTTPRequestHandler):
    """Takes one message at a time; what is not verified is answered 400, what cannot be forwarded 502."""

    def do_POST(self) -> None:
        """Handle a message; billgraph tries again unless the answer is a 2xx."""
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(min(length, BODY_BYTES_MAX))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            message = verify(os.environ["WEBHOOK_SECRET"], headers, body)
        except (ValueError, KeyError) as error:
            self._answer(400, str(error))
            return
        if headers["webhook-id"] in _seen:
            self._answer(200, "seen before")
            return
        try:
            if "CHAT_URL" in os.environ:
                forward(line(message), os.environ["CHAT_URL"])
        except OSError as error:
            self._answer(502, str(error))
            return
        _seen[headers["webhook-id"]] = None
        if len(_seen) > REMEMBERED_MAX:
            _seen.popitem(last=False)
        print(line(message), flush=True)
        self._answer(200, "thank you")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing but messages."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Bridge)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
