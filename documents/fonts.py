"""Which fonts are an invoice set in, and do they have every character of it?

The typesetter leaves out what no font has, without a word; so every text is checked first and the characters that are
missing are named. Fonts come from packages that carry their files, never from the network and, but for Chinese where
its package is absent, never from the system: the same invoice looks the same everywhere. Latin, Cyrillic and Greek
are always there with the extra `pdf`.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typst

LATIN: Final = ("fontpkg_ibm_plex_sans", "files")
CHINESE: Final = ("pylopdf_fonts_zh_cn", "")
SYSTEM: Final = Path("/usr/share/fonts/opentype/noto")  # where Debian puts fonts-noto-cjk
FAMILIES: Final = ("IBM Plex Sans", "Noto Sans SC", "Noto Sans CJK SC")
MISSING_SHOWN_MAX: Final = 20
_INVISIBLE: Final = frozenset({"Cf", "Zs", "Zl", "Zp"})
_VARIATION_SELECTORS: Final = range(0xFE00, 0xFE10)


class MissingGlyphs(Exception):
    """No font has these characters, so a document with them would come out with holes."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(sorted(set(characters)))
        shown = ", ".join(f"{each} (U+{ord(each):04X})" for each in self.characters[:MISSING_SHOWN_MAX])
        more = len(self.characters) - MISSING_SHOWN_MAX
        super().__init__(f"no font has {shown}{f' and {more} more' if more > 0 else ''}")


@dataclass(frozen=True)
class FontBook:
    """The fonts in use: as the typesetter takes them, their families in order, and what they cover."""

    fonts: "typst.Fonts"
    families: tuple[str, ...]
    covered: frozenset[int]

    def require(self, texts: Iterable[str]) -> None:
        """Raise `MissingGlyphs` naming every character of `texts` that no font has."""
        characters = {character for text in texts for character in text}
        missing = [each for each in characters if ord(each) not in self.covered and _needs_glyph(each)]
        if missing:
            raise MissingGlyphs(missing)


def are_installed() -> bool:
    """Return whether the fonts without which no invoice can be set are there."""
    return find_spec("fontTools") is not None and find_spec(LATIN[0]) is not None


@cache
def book() -> FontBook:
    """Return the fonts there are. Reading them takes a moment and happens once."""
    import typst
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # it ships no types

    folders = [str(folder) for folder in _folders()]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    faces = {(face.path, face.index): face.family for face in fonts.fonts() if face.family in FAMILIES}
    covered: set[int] = set()
    for path, index in faces:
        assert path is not None, "only embedded fonts have no file, and they are left out"
        with TTFont(path, fontNumber=index, lazy=True) as font:
            covered |= font.getBestCmap().keys()
    return FontBook(fonts, tuple(each for each in FAMILIES if each in faces.values()), frozenset(covered))


def _folders() -> list[Path]:
    latin, chinese = _folder(*LATIN), _folder(*CHINESE)
    assert latin is not None, "checked by are_installed"
    return [latin, chinese or SYSTEM]


def _folder(package: str, inside: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inside


def _needs_glyph(character: str) -> bool:
    """Return whether leaving the character out would be seen."""
    return unicodedata.category(character) not in _INVISIBLE and ord(character) not in _VARIATION_SELECTORS
