"""How long an answer may be kept, and by whom: the values of `Cache-Control` that nouns share."""

from typing import Final

from fastapi import Response

PRIVATE: Final = "private, no-store"
"""For answers about people: neither a proxy nor a browser may keep them."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For an address whose content never changes; to caches a year is for ever."""


def private_json(encoded: bytes, status: int = 200) -> Response:
    """An answer about people: JSON that nobody may keep."""
    return Response(encoded, status, {"cache-control": PRIVATE}, "application/json")
