"""How many decimals does a currency have?

ISO 4217 says, not custom: the rial is written without decimals and still has two. An amount is an integer number
of minor units, so the exponent alone decides what that integer means; a code outside the table is refused.

>>> [exponent(code) for code in ("JPY", "USD", "KWD", "CLF")]
[0, 2, 3, 4]
>>> exponent("usd")
Traceback (most recent call last):
    ...
billing.currencies.UnknownCurrency: 'usd' is not an active ISO 4217 currency code
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
        CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
        HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
        MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
        SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
        VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}
)


class UnknownCurrency(ValueError):
    """The code is not an active ISO 4217 currency; a currency without minor units (gold, XDR) is none either."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code!r} is not an active ISO 4217 currency code")
        self.code = code


def exponent(code: str) -> int:
    """Return the number of decimals of `code`: 0, 2, 3 or 4."""
    try:
        return EXPONENTS[code]
    except KeyError:
        raise UnknownCurrency(code) from None


def minor_units(code: str) -> int:
    """Return how many minor units one major unit of `code` has: 1, 100, 1000 or 10000."""
    units: int = 10 ** exponent(code)
    return units
