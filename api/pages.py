"""What does a browser see that opens the graph's address?

GraphiQL when its files have been built, else a small page of our own. Every file is served from here, none comes
from elsewhere, and no script stands inside a page, so the content policy can forbid both.
"""

from pathlib import Path

from starlette.responses import FileResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"


class QueryPage:
    """The page to write queries on."""

    def __init__(self, static: Path = STATIC) -> None:
        built = static / "graphiql" / "index.html"
        self._path = built if built.is_file() else static / "query_page.html"

    def response(self) -> FileResponse:
        """Return the page."""
        return FileResponse(self._path, media_type="text/html", headers={"cache-control": "no-cache", "vary": "accept"})


def static_files() -> Mount:
    """Return the route of the files the pages need."""
    return Mount("/static", StaticFiles(directory=STATIC), name="static")
