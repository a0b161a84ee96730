"""`Idempotency-Key`: which keys are valid, and when two calls are the same call."""

from collections.abc import MutableMapping
from hashlib import sha256
from typing import Any, Final, Protocol

from event_seating.db.kept_answers import KeyedCall
from event_seating.errors import InvalidRequest
from event_seating.web.roles import Role

ANONYMOUS_KEY_CHARS_MIN: Final = 22
"""Callers without an API key must not be able to guess each other's keys."""

KEY_CHARS_MAX: Final = 255

REPLAYED: Final = {"idempotency-replayed": "true"}
"""The header of an answer that was given before."""


class RoutedRequest(Protocol):
    """A request of the framework, with what the edge put into its scope."""

    @property
    def method(self) -> str: ...
    @property
    def scope(self) -> MutableMapping[str, Any]: ...


def check(key: str, *, named: bool) -> None:
    """Raise `InvalidRequest` unless this may be a key; `named` callers have an API key."""
    least = 1 if named else ANONYMOUS_KEY_CHARS_MIN
    if not (least <= len(key) <= KEY_CHARS_MAX and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"Idempotency-Key: must have {least} to {KEY_CHARS_MAX} printable ASCII characters"
        )


def call_of(request: RoutedRequest, key: str | None, asked: bytes = b"") -> KeyedCall | None:
    """The call, or None without a key; `asked` is hashed, to tell requests under one key apart.

    Raises `InvalidRequest` for an invalid key.
    """
    if key is None:
        return None
    principal = request.scope["principal"]
    check(key, named=principal.role > Role.anyone and not principal.limited)
    route = f"{request.method} {request.scope['route'].path}"
    id_ = sha256(f"{principal.name} {route}\0{key}".encode()).digest()
    return KeyedCall(id_, sha256(asked).digest())
