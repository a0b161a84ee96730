"""Money: whole minor units inside, decimal text outside, never a float.

Owns how many decimals a currency has (ISO 4217), and the conversion between text and minor units.
"""

import re
from decimal import Decimal
from typing import Final

EXPONENT_DEFAULT: Final = 2

EXPONENTS: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""The currencies of ISO 4217's list one (2026-01-01) that do not have two decimals."""

PRICE_MAX: Final = Decimal(1_000_000)
"""More than any seat in the world costs; a higher price is a typing error."""

CURRENCIES: Final = frozenset(
    (  # noqa: SIM905 (a list of strings would fill four pages)
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP "
        "BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN "
        "ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK "
        "JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
        "MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP "
        "PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV "
        "WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
    ).split()
)
"""The currencies of ISO 4217's list one (2026-01-01) that have minor units: not metals, nor codes
for testing."""

TOTAL_MAX: Final = PRICE_MAX * 1_000
"""A thousand such seats, which is the most that fits into one booking."""

NO_BREAK: Final = "\N{NO-BREAK SPACE}"

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?\Z")


def is_currency(text: str) -> bool:
    """Whether this is the ISO 4217 code of a currency that people pay with."""
    return text in CURRENCIES


def to_minor(amount: Decimal, currency: str, most: Decimal = PRICE_MAX) -> int:
    """`amount` in minor units; a `ValueError` says what is wrong with it as a price."""
    if not amount.is_finite() or amount < 0:
        raise ValueError("must not be negative")
    if amount > most:
        raise ValueError(f"must be at most {most}")
    exponent = exponent_of(currency)
    minor = amount.scaleb(exponent)
    if minor != minor.to_integral_value():
        raise ValueError(f"has more than the {exponent} decimals of {currency}")
    return int(minor)


def parse(text: str, currency: str, most: Decimal = PRICE_MAX) -> int:
    """`"45.00"` in minor units; a `ValueError` says what is wrong with it as a price."""
    if not _AMOUNT.match(text):
        raise ValueError('must be a decimal number as text, such as "45.00"')
    return to_minor(Decimal(text), currency, most)


def to_text(minor: int, currency: str) -> str:
    """Minor units as decimal text.

    >>> to_text(4500, "EUR")
    '45.00'
    >>> to_text(-50, "EUR")
    '-0.50'
    >>> to_text(45, "JPY")
    '45'
    """
    exponent = exponent_of(currency)
    if not exponent:
        return str(minor)
    whole, part = divmod(abs(minor), 10**exponent)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{exponent}d}"


def for_people(minor: int, currency: str) -> str:
    """Minor units as a person reads them, kept on one line.

    >>> for_people(123450, "EUR").replace(NO_BREAK, " ")
    'EUR 1,234.50'
    >>> for_people(45, "JPY").replace(NO_BREAK, " ")
    'JPY 45'
    """
    whole, point, part = to_text(abs(minor), currency).partition(".")
    return f"{'-' if minor < 0 else ''}{currency}{NO_BREAK}{int(whole):,}{point}{part}"


def exponent_of(currency: str) -> int:
    """How many decimals the currency has."""
    return EXPONENTS.get(currency, EXPONENT_DEFAULT)
