"""How does a figure look as a picture?"""

import json
from collections.abc import Sequence
from pathlib import Path

import typst

from documents import fonts

TEMPLATE = Path(__file__).with_name("chart.typ")


def bars(target: Path, title: str, unit: str, measured: Sequence[tuple[str, float]]) -> None:
    """Draw one bar for each name, the longest first, into a PNG file; the first name given stands out."""
    own = measured[0][0]
    rows = [(name, value, name == own, f"{value:,.0f}") for name, value in sorted(measured, key=lambda row: -row[1])]
    told = json.dumps({"title": title, "unit": unit, "bars": rows})
    target.write_bytes(
        typst.compile(
            str(TEMPLATE),
            format="png",
            ppi=144.0,
            font_paths=fonts.book().fonts,
            ignore_system_fonts=True,
            sys_inputs={"told": told},
        )
    )
