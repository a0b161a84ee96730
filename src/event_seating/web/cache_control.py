"""How long an answer may be kept, and by whom: the values of `Cache-Control` that nouns share."""

from typing import Final

PRIVATE: Final = "private, no-store"
"""For answers about people: neither a proxy nor a browser may keep them."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For an address whose content never changes; to caches a year is for ever."""
