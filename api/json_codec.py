"""How do bytes become JSON values, and back?

Reading is strict: no number may change on its way in, and what no layer below can carry is refused. The standard
library decides. Writing uses orjson where it is installed; reading does so for long texts of which nothing can be in
doubt: it turns an integer beyond 64 bits into a float without a word, so a text with a float in it is read again.

>>> decode(b'{"seats": 270}')
{'seats': 270}
>>> encode({"amount": "12.40"})
b'{"amount":"12.40"}'
"""

import json
from typing import Any, Final, NoReturn

try:
    import orjson
except ImportError:  # the `speed` extra is not installed
    orjson = None  # type: ignore[assignment]  # the name is either the module or nothing

INTEGER_DIGITS_MAX = 40
VALUES_MAX = 50_000
QUICK_MIN = 4_096
_HOLDERS = frozenset({dict, list})


class InvalidJson(ValueError):
    """The bytes are not JSON this server reads. The message may be shown to the sender."""


def encode(value: object) -> bytes:
    """Return `value` as compact UTF-8 JSON."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except TypeError:
            pass  # an integer beyond 64 bits or a subclass of str: rare, and the slow way knows them
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def decode(text: bytes | str, *, depth_max: int = 64) -> Any:
    """Return the value in `text`, or raise `InvalidJson`. Cost is bounded by the length of `text` alone."""
    quick = _quickly(text, depth_max) if orjson is not None and isinstance(text, bytes) else None
    if quick is not None:
        return quick
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        value = _STRICT.decode(decoded)
    except UnicodeDecodeError as error:
        raise InvalidJson(f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidJson(f"not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise InvalidJson(f"nested deeper than {depth_max} levels") from error
    _check(value, depth_max)
    return value


def _quickly(text: bytes, depth_max: int) -> Any:
    """Return the value in a long text of which nothing is in doubt, or None where the standard library is to decide."""
    if len(text) < QUICK_MIN or b"\\u" in text:  # an escape may spell NUL, or half of a surrogate pair
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    level: list[Any] = [value]
    depth = count = 0
    while level:
        count += len(level)
        if depth > depth_max or count > VALUES_MAX:
            return None
        kinds = set(map(type, level))
        if float in kinds:
            return None
        below: list[Any] = []
        if not kinds.isdisjoint(_HOLDERS):  # texts and numbers need no second look, and are most of a long text
            for item in level:
                kind = type(item)
                if kind is dict:
                    below += item.values()
                elif kind is list:
                    below += item
        level, depth = below, depth + 1
    return value


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise InvalidJson(f"an integer has {len(digits)} digits, more than {INTEGER_DIGITS_MAX}")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not a JSON number")


_STRICT: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)


def _check(value: object, depth_max: int) -> None:
    """Refuse what no layer below can carry: deep nesting, floods of values, NUL and lone surrogates."""
    level: list[object] = [value]
    depth = count = 0
    while level:
        if depth > depth_max:
            raise InvalidJson(f"nested deeper than {depth_max} levels")
        count += len(level)
        if count > VALUES_MAX:
            raise InvalidJson(f"holds more than {VALUES_MAX} values")
        below: list[object] = []
        for item in level:
            match item:
                case str():
                    _check_text(item)
                case dict():
                    for key in item:
                        _check_text(key)
                    below.extend(item.values())
                case list():
                    below.extend(item)
                case float() if item in (float("inf"), float("-inf")):
                    raise InvalidJson("a number is too large")
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    # PostgreSQL stores no NUL, and a lone surrogate has no UTF-8: both would fail deep inside, as our own fault.
    if "\0" in text:
        raise InvalidJson("a string holds the character U+0000")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidJson("a string holds half of a surrogate pair")
