"""How is a file of numeric cases read?

A case may leave out what its neighbours of the same source say: "same", or "as lago-volume-*". What they say is looked
up in the file, and where the file has no such neighbour, in the table of the sources' own examples below.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PUBLIC = HERE / "cases" / "public.json"
FURTHER = HERE / "cases" / "further.json"
REFUSED = HERE / "refused.json"

Fields = Mapping[str, Any]

KEYS = frozenset({"id", "source", "model", "input", "expected", "note"})

EXAMPLES: Mapping[str, Any] = {
    "getlago": [
        {"up_to": 100, "unit": "2", "flat": "10"},
        {"up_to": 200, "unit": "1", "flat": "0"},
        {"up_to": None, "unit": "0.5", "flat": "50"},
    ],
    "killbill": [
        {"block": 1, "max_blocks": 10, "price": "1.5"},
        {"block": 1, "max_blocks": 100, "price": "1.0"},
        {"block": 1, "max_blocks": 1000, "price": "0.5"},
    ],
    "flexprice": [
        {"up_to": 10, "unit": "0.10"},
        {"up_to": 20, "unit": "0.05"},
        {"up_to": None, "unit": "0.02"},
    ],
    "withorb": [{"up_to": 100, "unit": "0.50"}, {"up_to": None, "unit": "0.40"}],
    "progressive": {"plan_cents": 3100, "month_days": 31, "usage_cents": [20000]},
}
"""The examples that the sources repeat, as their documentation and tests have them."""


@dataclass(frozen=True, slots=True)
class Case:
    """One numeric fact: what is given, and what follows from it."""

    id: str
    source: str
    model: str
    input: Fields
    expected: Fields
    note: str
    beside: tuple[str, ...] = ()
    """What else is written of the case: keys that the format does not have."""

    @property
    def system(self) -> str:
        """Whose rule it is, by the first word of its id."""
        return self.id.partition("-")[0]


def load(path: Path) -> tuple[Case, ...]:
    """Return the cases of a file with everything filled in that they leave to their neighbours."""
    written = _written(path)
    neighbours = [*written, *(() if path == PUBLIC else _written(PUBLIC))]
    return tuple(_filled(case, neighbours) for case in written)


def _written(path: Path) -> list[Case]:
    return [
        Case(
            each["id"],
            each.get("source") or "",
            each["model"],
            each["input"],
            each.get("expected") or {},
            each.get("note") or "",
            tuple(sorted(set(each) - KEYS)),
        )
        for each in json.loads(path.read_text(encoding="utf-8"))
    ]


def refused() -> Mapping[str, str]:
    """Return the reason for each case that is refused on purpose, by id."""
    return dict(json.loads(REFUSED.read_text(encoding="utf-8")))


def _filled(case: Case, written: list[Case]) -> Case:
    given = dict(case.input)
    if "as" in given:
        given = {**(_example(case, "as", written) or {}), **given}
    for key, value in case.input.items():
        if key != "as" and _is_reference(value):
            given[key] = _example(case, key, written) or value
    return replace(case, input=given)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and (value == "same" or value.startswith(("same ", "as ")))


def _example(case: Case, key: str, written: list[Case]) -> Any:
    """Return what `key` repeats: a case that is named, else the same group's, else the source's own example.

    Where nobody gives it there is nothing to repeat: None, and the case stays as it is written.
    """
    text = str(case.input[key]).removeprefix("same").removeprefix(" ").removeprefix("as ")
    named = text.split(" ")[0].rstrip("*")
    if key == "as":
        inputs = (other.input for other in written if other.id == named and "as" not in other.input)
        return next(inputs, EXAMPLES["progressive"] if "progressive" in named else None)
    others = [other for other in written if other.id != case.id and _gives(other, key)]
    ranked = (
        [other for other in others if named and other.id.startswith(named)],
        [other for other in others if not named and _group(other) == _group(case)],
        [EXAMPLES[word] for word in _words(case) if word in EXAMPLES],
        [other for other in others if other.source == case.source and other.model == case.model],
    )
    found = next((rank[0] for rank in ranked if rank), None)
    return found.input[key] if isinstance(found, Case) else found


def _gives(case: Case, key: str) -> bool:
    return key in case.input and not _is_reference(case.input[key])


def _group(case: Case) -> tuple[str, ...]:
    """Return the source and kind in a case's name: lago-volume-200 is one of lago-volume."""
    return tuple(case.id.split("-")[:2])


def _words(case: Case) -> list[str]:
    """Return the vendors whose own example holds for the case; Lago's is one of volume tiers."""
    text = case.source.lower()
    return [word for word in EXAMPLES if word in text and (word != "getlago" or "volume" in case.model)]
