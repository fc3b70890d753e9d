"""A long text is read more quickly than a short one, and not differently."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import json_codec

PADDING = "x" * json_codec.QUICK_MIN
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def read(text: bytes, *, depth_max: int = 4) -> Any:
    """Return what is read, or what is said of it."""
    try:
        return json_codec.decode(text, depth_max=depth_max)
    except json_codec.InvalidJson as error:
        return str(error)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, st.booleans())
def test_long_texts_are_read_like_short_ones(value: Any, is_escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_escaped).encode(errors="surrogatepass")
    long = text[:-1] + b" " * json_codec.QUICK_MIN + text[-1:] if text[-1:] in {b"]", b"}"} else text

    assert repr(read(long)) == repr(read(text)), "also -0.0, and 1 apart from True and 1.0"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (str(2**64), 2**64),
        ("1e999", "a number is too large"),
        ("NaN", "NaN is not a JSON number"),
        ('"\\u0000"', "a string holds the character U+0000"),
        ('"\\ud800"', "a string holds half of a surrogate pair"),
        ("9" * 41, "an integer has 41 digits, more than 40"),
        ("[[[[[[1]]]]]]", "nested deeper than 4 levels"),
    ],
)
def test_what_cannot_be_carried_is_refused_in_long_texts_too(value: str, said: Any) -> None:
    found = read(f'["{PADDING}", {value}]'.encode())

    assert (found[1] if isinstance(found, list) else found) == said
