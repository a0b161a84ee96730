"""The headers that make a browser careful with what it gets from here."""

from typing import Final

from event_seating.http_server.asgi import Header

HEADERS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"server", b""),  # else the server puts its own name there
)
"""On every answer."""

CONTENT_SECURITY_POLICY: Final = b"content-security-policy"

NO_PAGE: Final = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""On every answer without a policy of its own: it is not a page, and may load nothing."""
