"""How does an invoice speak to the people of its locale?

Words come from `documents/wording.py`; figures and dates follow CLDR, but no digit of an amount is ever dropped: the
decimals are those of ISO 4217.

>>> Voice.of("ru-RU").money(Money.parse("111200.00", "RUB"))
'111\\xa0200,00\\xa0₽'
>>> Voice.of("id-ID").money(Money.parse("10425.50", "IDR"))
'Rp\\xa010.425,50'
>>> Voice.of("zh-Hans-CN").words["title"], Voice.of("sw").words["title"]
('账单', 'Invoice')
"""

import re
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval
from babel.numbers import NumberPattern, format_decimal, format_percent

from billing.currencies import exponent
from billing.money import Money
from documents.wording import LANGUAGES, Words

QUANTITY_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Voice:
    """The words of one language and the figures of one locale."""

    language: str
    locale: Locale

    @classmethod
    def of(cls, name: str) -> "Voice":
        """Return the voice for a locale such as `ru-KZ`; an unknown one speaks English."""
        return _voice(name.replace("_", "-"))

    @property
    def words(self) -> Words:
        """The words of the language."""
        return LANGUAGES[self.language]

    def money(self, amount: Money) -> str:
        """Return the amount with the sign of its currency."""
        pattern = _pattern(self.locale, amount.currency)
        text = pattern.apply(Decimal(amount.amount), self.locale, currency=amount.currency, currency_digits=False)
        return re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text)

    def amount(self, amount: Money) -> str:
        """Return the amount as it stands in a column that names the currency."""
        digits = exponent(amount.currency)
        pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
        return format_decimal(Decimal(amount.amount), pattern, self.locale)

    def quantity(self, text: str) -> str:
        """Return a quantity; one with many decimals is shortened and says so, for the formula beside it is exact."""
        exact = Fraction(text)
        shown = round(exact, QUANTITY_DECIMALS)
        decimal = Decimal(shown.numerator) / Decimal(shown.denominator)
        written = format_decimal(decimal, f"#,##0.{'#' * QUANTITY_DECIMALS}", self.locale)
        return written if shown == exact else f"≈\u00a0{written}"

    def percent(self, percent: Fraction) -> str:
        """Return a tax rate."""
        part = percent / 100
        return format_percent(Decimal(part.numerator) / Decimal(part.denominator), "#,##0.###%", self.locale)

    def day(self, day: date) -> str:
        """Return a date, the month in words."""
        return format_date(day, "long", self.locale)

    def days(self, first: date, last: date) -> str:
        """Return the days from `first` to `last`, both counted."""
        return str(format_interval(first, last, "yMMMd", locale=self.locale))

    def unit(self, unit: str) -> str:
        """Return the word for a unit; one without a word is shown as it is."""
        return self.words.get(unit, unit)


@lru_cache(maxsize=200)
def _voice(name: str) -> Voice:
    language = name.split("-")[0].lower()
    if language not in LANGUAGES:
        return Voice("en", Locale("en"))
    try:
        return Voice(language, Locale.parse(name, sep="-"))
    except (UnknownLocaleError, ValueError):
        return Voice(language, Locale(language))


@lru_cache(maxsize=200)
def _pattern(locale: Locale, currency: str) -> NumberPattern:
    """Return the locale's pattern for money with exactly the decimals of the currency."""
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency), exponent(currency))
    return pattern
