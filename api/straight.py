"""How does a request come to the door that nearly all requests go to?

By its path alone. The router tries one route after another, each with a pattern, and guards against exceptions that
the graph's doors answer themselves. What is not listed goes the router's way, and so does everything where the
application is mounted below another path.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Straight:
    """Leads to some doors at once."""

    def __init__(self, app: ASGIApp, doors: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its door, or to the router."""
        if scope["type"] == "http" and scope["path"] in self._doors and not scope.get("root_path"):
            await self._doors[scope["path"]](scope, receive, send)
        else:
            await self._app(scope, receive, send)
