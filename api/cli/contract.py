"""What does the code promise its clients, on paper?

The schema as a file, its reference, the subgraph a router composes, and whether a released promise would be broken.
"""

import sys
from pathlib import Path

from api.cli.books import say
from api.house import now
from resolvers.roots import sdl, subgraph_sdl
from schema import compatibility, reference


def write_schema(path: Path, *, check: bool) -> int:
    """Write the schema, or return 1 when the file differs from it."""
    return _write({path: sdl()}, check=check, mend="billgraph schema")


def write_reference(folder: Path, *, check: bool) -> int:
    """Write the reference, one page a noun, or return 1 when a page differs, is missing or too many."""
    pages = {folder / name: text for name, text in reference.pages(sdl()).items()}
    stale = sorted(set(folder.glob("*.md")) - set(pages))
    if check and stale:
        return _differs(stale[0], f"billgraph schema --docs {folder}")
    for path in stale:
        path.unlink()
    return _write(pages, check=check, mend=f"billgraph schema --docs {folder}")


def print_subgraph() -> None:
    """Print the subgraph that a router of Apollo Federation composes."""
    say(subgraph_sdl())


def compare(released: Path) -> int:
    """Say what clients of a released schema would notice, and return 1 when it breaks them."""
    found = compatibility.changes(released.read_text(encoding="utf-8"), sdl(), on=now().date())
    for change in found:
        say(f"{'breaks' if change.breaks else 'dangerous'}  {change.text}")
    broken = sum(change.breaks for change in found)
    say(f"against {released}: {broken} breaking, {len(found) - broken} dangerous changes")
    return 1 if broken else 0


def _write(files: dict[Path, str], *, check: bool, mend: str) -> int:
    for path, text in files.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            return _differs(path, mend)
    first, *rest = files
    told = f"{first.parent}: {len(files)} pages" if rest else str(first)
    say(f"{told} {'up to date' if check else 'written'}")
    return 0


def _differs(path: Path, mend: str) -> int:
    print(f"{path} differs from the code: run `{mend}`", file=sys.stderr)  # noqa: T201  # see say()
    return 1
