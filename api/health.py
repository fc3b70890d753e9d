"""Is the process alive, and should it get traffic?

Alive means that the loop answers. Ready means that every check passed within its time; a failed one is named, and
its reason is logged but not told, for these paths are open to everybody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

CHECK_SECONDS_MAX = 2.0

_log = structlog.get_logger(__name__)

Check = tuple[str, Callable[[], Awaitable[object]]]
"""A name, and a function that raises when what it looks at is not in order."""


def routes(checks: Sequence[Check]) -> list[Route]:
    """Return `/livez` and `/readyz`."""

    async def readyz(_request: Request) -> Response:
        passed = await asyncio.gather(*(_passes(name, check) for name, check in checks))
        shown = {name: "ok" if ok else "failed" for (name, _), ok in zip(checks, passed, strict=True)}
        return JSONResponse(shown, 200 if all(passed) else 503, {"cache-control": "no-store"})

    return [Route("/livez", livez), Route("/readyz", readyz)]


async def livez(_request: Request) -> Response:
    """Answer at once."""
    return PlainTextResponse("ok", headers={"cache-control": "no-store"})


async def _passes(name: str, check: Callable[[], Awaitable[object]]) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except Exception as error:  # whatever is wrong, the answer is "not ready" and the log has the reason
        _log.warning("not ready", check=name, error=repr(error))
        return False
    return True
