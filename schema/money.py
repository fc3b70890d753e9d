"""How is an amount shown, and how is one read?

Exactly: the decimal text is the amount. What people read beside it follows the organization's locale and is for
display only. Billed money has the decimals of its currency; metered cost has as many as it needs.

>>> Money.of_nanos(3_000, "USD", "en").amount
'0.000003'
>>> Money.of(rules.Money.parse("111200", "RUB"), "ru-RU").formatted()
'111\\xa0200,00\\xa0₽'
"""

from decimal import Decimal
from functools import lru_cache

import strawberry
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from billing import money as rules
from billing.currencies import UnknownCurrency, exponent
from billing.taxes import TaxLine
from schema.access import field
from schema.inputs import InvalidInput
from schema.scalars import DecimalText
from services.outcomes import RefusalCode


@strawberry.type(description="An exact amount of one currency.")
class Money:
    amount: DecimalText = strawberry.field(description="The amount in major units, exact.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")
    locale: strawberry.Private[str]

    @field(description="The amount as the organization's language writes it. For display only.", requires=None)
    def formatted(self) -> str:
        return formatted(self.amount, self.currency, self.locale)

    @classmethod
    def of(cls, money: rules.Money, locale: str) -> "Money":
        """Return billed money."""
        return cls(amount=DecimalText(money.amount), currency=money.currency, locale=locale)

    @classmethod
    def of_minor(cls, minor: int, currency: str, locale: str) -> "Money":
        """Return billed money from a row."""
        amount = rules.minor_amount(minor, exponent(currency))
        return cls(amount=DecimalText(amount), currency=currency, locale=locale)

    @classmethod
    def of_nanos(cls, nanos: int, currency: str, locale: str) -> "Money":
        """Return metered cost, with every decimal it has."""
        amount = rules.nanos_amount(nanos, exponent(currency))
        return cls(amount=DecimalText(amount), currency=currency, locale=locale)

    @classmethod
    def of_nanos_or_none(cls, nanos: int | None, currency: str, locale: str) -> "Money | None":
        """Return metered cost, or None where there is none."""
        return None if nanos is None else cls.of_nanos(nanos, currency, locale)


@strawberry.type(description="The tax of one rate.")
class TaxOfRate:
    percent: DecimalText = strawberry.field(description="How many hundredths of the net amount are added.")
    base: Money = strawberry.field(description="What is taxed at it, discounts of the whole taken off.")
    amount: Money = strawberry.field(description="The tax, on top of the base or inside it.")

    @classmethod
    def of(cls, rate: TaxLine, locale: str) -> "TaxOfRate":
        """Return the tax of one rate."""
        return cls(
            percent=DecimalText(rules.decimal_text(rate.percent)),
            base=Money.of(rate.base, locale),
            amount=Money.of(rate.amount, locale),
        )


@strawberry.input(description="An amount of money as a client gives it.")
class MoneyInput:
    amount: DecimalText = strawberry.field(
        description='The amount in major units, as text such as "200.00", with no more decimals than the currency has.'
    )
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")

    def read(self, *field: str) -> rules.Money:
        """Return the amount; raise `InvalidInput` naming what is wrong of the input at `field`."""
        try:
            return rules.Money.parse(self.amount, self.currency)
        except UnknownCurrency as error:
            raise InvalidInput(RefusalCode.CURRENCY_UNKNOWN, str(error), (*field, "currency")) from error
        except rules.InvalidAmount as error:
            raise InvalidInput(RefusalCode.AMOUNT_INVALID, str(error), (*field, "amount")) from error


@strawberry.input(description="An amount of money of any precision, as metered cost has it.")
class ExactMoneyInput:
    amount: DecimalText = strawberry.field(
        description='The amount in major units, as text such as "0.000375", with at most nine decimals.'
    )
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")

    def nanos(self, *field: str) -> int:
        """Return the amount in nanos; raise `InvalidInput` for more decimals than these have."""
        try:
            nanos = rules.parse_exact(self.amount) * rules.NANOS_PER_MAJOR
        except rules.InvalidAmount as error:
            raise InvalidInput(RefusalCode.AMOUNT_INVALID, str(error), (*field, "amount")) from error
        if nanos.denominator != 1:
            message = f"{self.amount} has more than nine decimals"
            raise InvalidInput(RefusalCode.AMOUNT_INVALID, message, (*field, "amount"))
        return nanos.numerator


def formatted(amount: str, currency: str, locale: str) -> str:
    """Return the amount for people; not a digit of it is dropped, whatever CLDR thinks of the currency."""
    return format_currency(Decimal(amount), currency, locale=_locale(locale), decimal_quantization=False)


@lru_cache(maxsize=1_000)
def _locale(name: str) -> Locale:
    """Return the locale, or its language alone, or English: a locale CLDR does not know must not hide an amount."""
    for candidate in (name, name.split("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")
