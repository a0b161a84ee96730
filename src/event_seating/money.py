"""Money: whole minor units inside, decimal text outside, never a float.

Owns how many decimals a currency has (ISO 4217) and the two ways between text and minor units.
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
"""The currencies of ISO 4217 that do not have two decimals."""

PRICE_MAX: Final = Decimal(1_000_000)
"""Dearer than any seat in the world; a price above it is a slip of the keyboard."""

_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_AMOUNT: Final = re.compile(r"\d{1,12}(\.\d{1,6})?\Z")


def is_currency(text: str) -> bool:
    """Whether this has the form of an ISO 4217 code."""
    return _CURRENCY.match(text) is not None


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in minor units; a `ValueError` says what is wrong with it as a price."""
    if not amount.is_finite() or amount < 0:
        raise ValueError("must not be negative")
    if amount > PRICE_MAX:
        raise ValueError(f"must be at most {PRICE_MAX}")
    exponent = exponent_of(currency)
    minor = amount.scaleb(exponent)
    if minor != minor.to_integral_value():
        raise ValueError(f"has more than the {exponent} decimals of {currency}")
    return int(minor)


def parse(text: str, currency: str) -> int:
    """`"45.00"` in minor units; a `ValueError` says what is wrong with it as a price."""
    if not _AMOUNT.match(text):
        raise ValueError('must be a decimal number as text, such as "45.00"')
    return to_minor(Decimal(text), currency)


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


def exponent_of(currency: str) -> int:
    """How many decimals the currency has."""
    return EXPONENTS.get(currency, EXPONENT_DEFAULT)
