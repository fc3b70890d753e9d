"""How is a stored document read without believing it?

Strictly: a key that is missing, unknown or of another type is an error that names its dotted path. A JSON float is
refused wherever it stands, because an amount that was once a float is no longer the amount that was written.

>>> plan = Reader({"items": [{"unit": 4.4}]}, "", InvalidDocument)
>>> plan.children("items")[0].amount("unit")
Traceback (most recent call last):
    ...
billing.reading.InvalidDocument: items.0.unit: 4.4 is a float; an amount is written as a decimal text
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeVar

from billing.money import InvalidAmount, parse_exact

TEXT_MAX: Final = 20_000
ITEMS_MAX: Final = 10_000
WHOLE_MAX: Final = 10**15

Chosen = TypeVar("Chosen", bound=StrEnum)
Made = TypeVar("Made")


class InvalidDocument(ValueError):
    """A document breaks a rule at `field`, a dotted path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field, self.message = field, message

    def under(self, path: str) -> "InvalidDocument":
        """Return the same error of the same class, seen from the document that holds this one at `path`."""
        return type(self)(".".join(part for part in (path, self.field) if part), self.message)


@dataclass(frozen=True, slots=True)
class Reader:
    """One object of a document, at `path`; what is wrong in it is raised as `error`."""

    value: object
    path: str
    error: type[InvalidDocument]

    def only(self, *known: str) -> None:
        """Raise when the object has a key that is not `known`."""
        for key in self._mapping():
            if key not in known:
                raise self.error(self.at(key), f"unknown key; known are {', '.join(sorted(known))}")

    def at(self, key: str) -> str:
        """Return the dotted path of `key`."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Return whether `key` is given and not null."""
        return self._mapping().get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.error(self.at(key), f"{value!r} is a {type(value).__name__}, not a text")
        if not 1 <= len(value) <= TEXT_MAX:
            raise self.error(self.at(key), f"a text of {len(value)} characters is outside 1 to {TEXT_MAX}")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        """Return an integer of at least 0."""
        value = self._get(key, default)
        if type(value) is not int:
            raise self.error(self.at(key), f"{value!r} is a {type(value).__name__}, not a whole number")
        if not 0 <= value <= WHOLE_MAX:
            raise self.error(self.at(key), f"{value} is outside 0 to {WHOLE_MAX}")
        return value

    def flag(self, key: str) -> bool:
        """Return a yes or a no; no when the key is missing."""
        value = self._mapping().get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(self.at(key), f"{value!r} is a {type(value).__name__}, not true or false")
        return value is True

    def amount(self, key: str, default: str | None = None) -> Fraction:
        """Return an exact number written as a decimal text, or as an integer."""
        value = self._get(key, default)
        if type(value) is int:
            return Fraction(self.whole(key))
        try:
            return parse_exact(value)  # type: ignore[arg-type]  # the parser itself refuses what is not a text
        except InvalidAmount as refused:
            raise self.error(self.at(key), str(refused)) from None

    def amounts(self) -> Mapping[str, Fraction]:
        """Return every value of the object as an exact number, by key."""
        return {key: self.amount(key) for key in self._mapping()}

    def choice(self, key: str, choices: type[Chosen], default: Chosen | None = None) -> Chosen:
        """Return a member of `choices`."""
        value = self._get(key, default)
        try:
            return choices(str(value))
        except ValueError:
            known = ", ".join(choices)
            raise self.error(self.at(key), f"{str(value)[:40]!r} is none of {known}") from None

    def instant(self, key: str) -> datetime:
        """Return an aware instant, in UTC."""
        text = self.text(key)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise self.error(self.at(key), f"{text[:40]!r} is not an instant with an offset")
        return at.astimezone(UTC)

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; none when the key is missing."""
        items = self._list(key) if self.has(key) else []
        return tuple(
            Reader({str(index): item}, self.at(key), self.error).text(str(index)) for index, item in enumerate(items)
        )

    def texts(self, key: str) -> Mapping[str, str]:
        """Return texts by locale; English is always among them."""
        reader = self.child(key)
        texts = {locale: reader.text(locale) for locale in reader._mapping()}
        if "en" not in texts:
            raise self.error(self.at(f"{key}.en"), "the English text is missing")
        return texts

    def child(self, key: str) -> "Reader":
        """Return the object at `key`."""
        child = Reader(self._get(key, None), self.at(key), self.error)
        child._mapping()
        return child

    def children(self, key: str) -> "tuple[Reader, ...]":
        """Return the objects of the list at `key`."""
        items = tuple(Reader(item, f"{self.at(key)}.{index}", self.error) for index, item in enumerate(self._list(key)))
        for item in items:
            item._mapping()
        return items

    def exacts(self, key: str) -> tuple[Fraction, ...]:
        """Return a list of exact numbers."""
        items = enumerate(self._list(key))
        return tuple(Reader({str(index): item}, self.at(key), self.error).amount(str(index)) for index, item in items)

    def lists(self, key: str) -> "tuple[Reader, ...]":
        """Return the lists of the list at `key`, each as an object of its positions."""
        return tuple(
            Reader(
                {str(position): entry for position, entry in enumerate(item)} if isinstance(item, list) else item,
                f"{self.at(key)}.{index}",
                self.error,
            )
            for index, item in enumerate(self._list(key))
        )

    def make(self, build: Callable[[], Made], *rules: type[ValueError]) -> Made:
        """Return what `build` makes; an error of the `rules` is raised as one of this document, with its path."""
        try:
            return build()
        except rules as broken:
            field, message = getattr(broken, "field", ""), getattr(broken, "message", str(broken))
            raise self.error(field, message).under(self.path) from broken

    def _mapping(self) -> Mapping[str, object]:
        if not isinstance(self.value, Mapping):
            raise self.error(self.path, f"{type(self.value).__name__} given, an object expected")
        return self.value

    def _list(self, key: str) -> list[object]:
        value = self._get(key, None)
        if not isinstance(value, list):
            raise self.error(self.at(key), f"{type(value).__name__} given, a list expected")
        if len(value) > ITEMS_MAX:
            raise self.error(self.at(key), f"{len(value)} entries; the bound is {ITEMS_MAX}")
        return value

    def _get(self, key: str, default: object) -> object:
        value = self._mapping().get(key, default)
        value = default if value is None else value
        if value is None:
            raise self.error(self.at(key), "missing")
        return value
