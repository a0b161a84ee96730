"""How long an answer may be kept, and by whom: the values of `Cache-Control` that nouns share."""

from typing import Final

PRIVATE: Final = "private, no-store"
"""Answers about people are nobody else's, and no proxy's or browser's to keep."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""What an address names never changes; a year is what caches take for ever."""
