"""A scalar takes what it can hold exactly, and says of anything else what was wrong with it."""

from datetime import UTC, date, datetime

import pytest

from schema import scalars
from schema.money import Money, formatted
from schema.scalars import read_date, read_decimal, read_instant, read_long, write_instant, write_long


@pytest.mark.parametrize("text", ["0", "12.40", "-3", "0.000003", "9" * 18, "1" * 40])
def test_keeps_a_decimal_as_it_was_written(text: str) -> None:
    assert read_decimal(text) == text


@pytest.mark.parametrize(
    "value", [12.4, 12, True, None, [], "1e3", "NaN", "Infinity", "", " 1", "1,0", "+1", ".5", "1.", "١", "1" * 101]
)
def test_refuses_what_is_no_exact_decimal(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        read_decimal(value)


def test_names_the_value_and_the_bound() -> None:
    with pytest.raises(ValueError, match=r"12\.4 is a number; write an amount as text"):
        read_decimal(12.4)
    with pytest.raises(ValueError, match="9223372036854775808 is outside -9223372036854775808 to 9223372036854775807"):
        read_long(2**63)


@pytest.mark.parametrize("value", [0, -(2**63), 2**63 - 1, "17", "-17"])
def test_reads_and_writes_every_64_bit_integer(value: int | str) -> None:
    assert write_long(read_long(value)) == str(value)


@pytest.mark.parametrize("value", [2**63, 1.0, True, "1.0", "1e3", "9" * 5000, "", None])
def test_refuses_what_is_no_64_bit_integer(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        read_long(value)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (datetime(2026, 10, 1, tzinfo=UTC), "2026-10-01T00:00:00Z"),
        (datetime(2026, 9, 30, 21, tzinfo=UTC), "2026-10-01T00:00:00+03:00"),
        (datetime(2026, 10, 1, 0, 0, 0, 1, tzinfo=UTC), "2026-10-01T00:00:00.000001Z"),
    ],
)
def test_reads_an_instant_in_utc(expected: datetime, text: str) -> None:
    assert read_instant(text) == expected


@pytest.mark.parametrize("value", ["2026-10-01T00:00:00", "2026-10-01", "2026-13-01T00:00:00Z", "now", 0, None])
def test_refuses_what_is_no_instant(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        read_instant(value)


def test_writes_an_instant_with_its_microseconds() -> None:
    assert write_instant(datetime(2026, 10, 1, 0, 0, 0, 1, tzinfo=UTC)) == "2026-10-01T00:00:00.000001Z"
    assert write_instant(datetime(2026, 10, 1, tzinfo=UTC)) == "2026-10-01T00:00:00Z"
    with pytest.raises(ValueError, match="has no offset"):
        write_instant(datetime(2026, 10, 1))  # noqa: DTZ001  # the point of the test


def test_reads_a_date() -> None:
    assert read_date("2026-02-28") == date(2026, 2, 28)
    with pytest.raises(ValueError, match="is not a date"):
        read_date("2026-02-30")


def test_never_answers_with_a_float() -> None:
    assert all(definition.name != "Float" for definition in scalars.SCALARS.values())


@pytest.mark.parametrize(
    ("expected", "amount", "currency", "locale"),
    [
        ("$1,234.50", "1234.50", "USD", "en"),
        ("$0.000003", "0.000003", "USD", "en-US"),
        ("111\xa0200,00\xa0₽", "111200.00", "RUB", "ru-RU"),
        ("556\xa0000,00\xa0₸", "556000.00", "KZT", "ru-KZ"),
        ("-12,40\xa0€", "-12.40", "EUR", "de-DE"),
        ("$5.00", "5.00", "USD", "xx-YY"),
    ],
)
def test_formats_money_for_people_without_dropping_a_digit(
    expected: str, amount: str, currency: str, locale: str
) -> None:
    assert formatted(amount, currency, locale) == expected


def test_shows_metered_cost_with_every_decimal_it_has() -> None:
    assert Money.of_nanos(3_000, "USD", "en").amount == "0.000003"
    assert Money.of_nanos(5_000_000_000, "USD", "en").amount == "5.00"
