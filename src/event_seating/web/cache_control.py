"""How long an answer may be kept, and by whom: the values of `Cache-Control` that nouns share."""

from typing import Final

from fastapi import Response

PRIVATE: Final = "private, no-store"
"""For answers about people: neither a proxy nor a browser may keep them."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For an address whose content never changes; to caches a year is for ever."""


class PrivateJson(Response):
    """An answer about people: JSON that nobody may keep."""

    def __init__(self, encoded: bytes, status: int = 200) -> None:
        # What the framework's constructor does, for headers that are always the same.
        self.status_code = status
        self.background = None
        self.body = encoded
        self.raw_headers = [
            (b"cache-control", PRIVATE.encode()),
            (b"content-length", b"%d" % len(encoded)),
            (b"content-type", b"application/json"),
        ]


def private_json(encoded: bytes, status: int = 200) -> Response:
    """An answer about people: JSON that nobody may keep."""
    return PrivateJson(encoded, status)
