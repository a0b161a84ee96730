"""From bytes to JSON values, a part at a time.

Owns the decoding of a map's body. One call that decodes ten megabytes holds the interpreter's lock
all the while, and the event loop with it, even from a thread; so the long list of a map (`sections`
or `zones`) is decoded element by element as it is read, and only one element's objects are in
memory at once. It knows nothing of what a map means.
"""

import json
import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

LONG_LISTS = ("sections", "zones")
"""The fields that hold nearly all of a map."""

PRICES = "priceTiers"
"""The field whose numbers are money and are kept exactly as they are written."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a document raises when its body is not sound JSON."""


class Elements:
    """A JSON list that is decoded an element at a time, each time it is walked."""

    def __init__(self, raws: list[msgspec.Raw]) -> None:
        self._raws = raws

    def __len__(self) -> int:
        return len(self._raws)

    def __iter__(self) -> Iterator[Any]:
        return map(_decode, self._raws)


def open_document(body: bytes) -> dict[str, Any]:
    """The top of a JSON object; its long lists are `Elements`.

    Raises one of `UNREADABLE`, here or while an `Elements` is walked.
    """
    top = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: _field(name, raw) for name, raw in top.items()}


def open_leniently(body: bytes) -> Any:
    """The whole document with NaN, infinite numbers and lone surrogates let through.

    For naming the path of what `open_document` stumbles over. Raises a `ValueError` that says
    where the body stops being JSON, or a `RecursionError`.
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


def _field(name: str, raw: msgspec.Raw) -> Any:
    if name == PRICES:
        return _decode_exactly(raw)
    if name in LONG_LISTS and memoryview(raw)[:1].tobytes() == b"[":
        return Elements(msgspec.json.decode(raw, type=list[msgspec.Raw]))
    return _decode(raw)
