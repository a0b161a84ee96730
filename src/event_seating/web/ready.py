"""An answer whose bytes are at hand."""

from typing import NamedTuple

from event_seating.http_server.asgi import Header


class Ready(NamedTuple):
    """An answer whose bytes are at hand; the edge adds the headers that depend on the caller."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
