"""Which form of a resource a client takes, and whether it has that form already.

Owns the reading of `Accept-Encoding` and `If-None-Match` (RFC 9110, sections 12.5.3 and 13.1.2) for
answers that are kept compressed. It makes no answer and knows no resource.
"""

import re
from typing import Final

_ETAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)\Z")

ACCEPT_ENCODING_CHARS_MAX: Final = 1_024
"""Ten times what any browser sends; each coding in it costs a microsecond."""

GZIP_NAMES: Final = ("gzip", "x-gzip")
"""The second is an older name."""


def prefers_gzip(accept_encoding: str) -> bool:
    """Whether to answer compressed: gzip is accepted, and preferred no less than the plain form.

    A client whose header is missing, unreadable or too long gets the plain form.
    """
    if len(accept_encoding) > ACCEPT_ENCODING_CHARS_MAX:
        return False
    weights = _weights(accept_encoding.lower())
    others = weights.get("*", 0.0)
    gzip = max((weights[name] for name in GZIP_NAMES if name in weights), default=others)
    # A client that names gzip and not the plain form takes the plain form as the last resort.
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def has_current(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this form: any of its tags is `etag`, by the weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _ETAG.findall(if_none_match)


def _weights(header: str) -> dict[str, float]:
    weights = {}
    for part in header.split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        found = [match[1] for match in map(_WEIGHT.match, parameters) if match]
        if coding:
            weights[coding] = float(found[0]) if found else float(not parameters)
    return weights
