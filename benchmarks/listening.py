"""Who hears of alerts while the server is being killed?

One subscriber over a real socket. Whenever the socket breaks it comes back and asks for everything after the last
cursor it has seen.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import websockets

HEAR = """subscription($id: ID!, $after: String) {
    limitApproaching(organizationId: $id, after: $after) { cursor dedupId } }"""
BACK_SECONDS = 0.1


@dataclass(slots=True)
class Subscriber:
    """What was heard, in the order in which it came."""

    origin: str
    token: str
    organization_id: str
    cursor: str
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    faults: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        """Listen until cancelled, whatever becomes of the server."""
        while True:
            with suppress(OSError, websockets.WebSocketException, TimeoutError):
                await self._connected()
            await asyncio.sleep(BACK_SECONDS)

    @property
    def repeated(self) -> int:
        """How many alerts came more than once."""
        return len(self.heard) - len(set(self.heard))

    async def _connected(self) -> None:
        address = f"{self.origin.replace('http', 'ws', 1)}/graphql"
        async with websockets.connect(
            address,
            subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
            open_timeout=5,
            close_timeout=1,
            proxy=None,
        ) as socket:
            self.connections += 1
            init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}}
            await socket.send(json.dumps(init))
            variables = {"id": self.organization_id, "after": self.cursor}
            asked = {"id": "1", "type": "subscribe", "payload": {"query": HEAR, "variables": variables}}
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        await socket.send(json.dumps(asked))
                    case "next":
                        self._take(message["payload"])
                    case "error" | "complete":
                        return
                    case "ping":
                        await socket.send(json.dumps({"type": "pong"}))

    def _take(self, payload: dict[str, Any]) -> None:
        if payload.get("errors"):
            self.faults.append(json.dumps(payload["errors"])[:200])
            return
        event = payload["data"]["limitApproaching"]
        self.cursor = event["cursor"]
        self.heard.append(event["dedupId"])
