"""How a list is read in pages: by where the last page ended, never by counting.

Owns the `limit` and the `cursor` of every list. A cursor carries the sort key of the last item that
was answered, so the next page begins right after it, whatever was added or removed meanwhile. To
clients a cursor is opaque. It is checked when it comes back, and is no secret, since it names
nothing that the caller has not seen. This module knows no noun and no table.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from event_seating.errors import InvalidRequest, invalid

LIMIT_DEFAULT: Final = 50
"""What fits on a screen or two."""

LIMIT_MAX: Final = 200
"""More would make one answer slow rather than many."""

CURSOR_CHARS_MAX: Final = 512
"""Longer than the key of any list, which is a time and an id or two."""

INTEGER_MAX: Final = 2**63 - 1
"""What a column of the databases can be compared with."""

T = TypeVar("T")


def encode_cursor(*key: str | int) -> str:
    """The cursor after the item with this sort key."""
    return urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, key_type: type[T]) -> T:
    """The sort key in a cursor, `tuple[int, str]` for example; raises `InvalidRequest`."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = msgspec.json.decode(urlsafe_b64decode(padded), type=key_type)
    except (NotBase64, UnicodeError, msgspec.DecodeError):
        raise _bad_cursor() from None
    if not all(map(_is_comparable, key)):  # type: ignore[call-overload]
        raise _bad_cursor()
    return key


def page(items: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """The page's items, and the last of them if more follow.

    `items` are what a query for one more than `limit` found.
    """
    if len(items) <= limit:
        return items, None
    return items[:limit], items[limit - 1]


def _is_comparable(part: object) -> bool:
    """Whether a database can compare it; a NUL or too large a number would be an error of ours."""
    if isinstance(part, str):
        return "\0" not in part
    return isinstance(part, int) and abs(part) <= INTEGER_MAX


def _bad_cursor() -> InvalidRequest:
    message = "is not a cursor of this list; send `nextCursor` as it was answered"
    return invalid("cursor", message)
