"""The types of ASGI, by the names that its specification gives them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]


class Ready(NamedTuple):
    """An answer whose bytes are at hand; the edge adds the headers that depend on the caller."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
