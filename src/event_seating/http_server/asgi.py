"""The types of ASGI, by the names that its specification gives them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

DIRECT_FRAMES: Final = "direct_frames"
"""The key among the `extensions` of a WebSocket's scope of what writes ready frames to it, past
`send`. A server need not offer it."""

BODY_HAS_COME: Final = "body_has_come"
"""The key of a scope that holds a function without arguments: whether the whole body has come, so
that to receive it takes no time. A server need not offer it."""

ADMITTED: Final = "admitted"
"""The key of a scope that holds what the application's `at_once` gave instead of a response."""

REFUSED: Final = "refused"
"""The key of a scope that holds the status and the size of the body with which the server has
answered by itself, once a body turned out malformed: what the application sends is dropped then."""
