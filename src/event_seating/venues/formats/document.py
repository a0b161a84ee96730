"""Decodes JSON in parts.

Owns the decoding of a map's body. A single call that decodes ten megabytes holds the interpreter's
lock all the time, which blocks the event loop even from a thread; so the long list of a map
(`sections` or `zones`) is decoded element by element as it is read, and only one element's objects
are in memory at once. It does not know what a map means.
"""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

import msgspec

from event_seating.venues.throttling import Throttle

LONG_LISTS: Final = ("sections", "zones")
"""The field that holds nearly all of a map: the first of these that it has."""

TIERS: Final = "priceTiers"
"""The field whose objects have a `price`: money, which keeps every digit that is written."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The errors for a body that is not valid JSON."""


T = TypeVar("T")


class Elements:
    """A JSON list that is decoded one element at a time, on each iteration."""

    def __init__(self, raws: list[msgspec.Raw]) -> None:
        self._raws = raws

    def __len__(self) -> int:
        return len(self._raws)

    def __iter__(self) -> Iterator[Any]:
        return map(_decode, self._raws)

    def in_part(self, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
        """What this decoder takes of each element, which costs less; leaves out other forms."""
        for raw in self._raws:
            with suppress(msgspec.ValidationError):
                yield decoder.decode(raw)


def open_document(body: bytes | bytearray) -> dict[str, Any]:
    """The top level of a JSON object; its long list is an `Elements`.

    Raises one of `UNREADABLE`, here or while an `Elements` is iterated.
    """
    give_way = Throttle()
    top = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    give_way()
    long = next((name for name in LONG_LISTS if name in top), None)
    document = {name: _decode(raw) for name, raw in top.items() if name != long}
    if long:
        document[long] = _long_list(top[long])
        give_way()
    if TIERS in top and long != "zones":
        _make_exact(document[TIERS], _decode_exactly(top[TIERS]))
    return document


def open_leniently(body: bytes | bytearray) -> Any:
    """The whole document, allowing NaN, infinite numbers and lone surrogates.

    Used to find the path of what `open_document` refuses. Raises a `ValueError` that says where the
    body stops being JSON, or a `RecursionError`.
    """
    return json.loads(body.decode())


def exact_number(text: str) -> Decimal:
    """A JSON number with all its digits; a `ValueError` for one that no double can hold."""
    if not math.isfinite(float(text)):
        raise ValueError("a number is out of range")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None


_decode = msgspec.json.Decoder().decode
_decode_exactly = msgspec.json.Decoder(float_hook=exact_number).decode


def _long_list(raw: msgspec.Raw) -> Any:
    if memoryview(raw)[:1].tobytes() != b"[":
        return _decode(raw)
    return Elements(msgspec.json.decode(raw, type=list[msgspec.Raw]))


def _make_exact(tiers: Any, exact: Any) -> None:
    """Replace the price of each tier by the number as it was written."""
    if isinstance(tiers, dict):
        for key, tier in tiers.items():
            if isinstance(tier, dict) and "price" in tier:
                tier["price"] = exact[key]["price"]
