"""Why a Redis or Valkey cannot be used, in words for its operator.

Owns the sentences and the oldest supported release. It connects to nothing: it is given an error,
or the answer to `INFO server`.
"""

import re
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

MESSAGE_CHARS_MAX: Final = 200
"""How much of a server's own message is quoted."""

OLDEST: Final = (6, 2)
"""What the queue's scripts need, and `SET … GET`."""

_UNAUTHENTICATED: Final = "it needs a password (REDIS_PASSWORD)"

_WRONG: Final = "the user or the password is wrong"

_BY_WORDS: Final = (
    ("already authenticated", _UNAUTHENTICATED),
    ("Authentication required", _UNAUTHENTICATED),
    ("invalid username-password", _WRONG),
)

_BY_KIND: Final = (
    (AuthenticationError, _WRONG),
    (BusyLoadingError, "it is still loading its data"),
    (OutOfMemoryError, "it is full (maxmemory)"),
    (ReadOnlyError, "it is a replica, which accepts no writes"),
    (MasterDownError, "it is a replica without its primary"),
    (NoPermissionError, "its user lacks a permission that is needed"),
)

_BY_FIRST_WORD: Final = {
    "MISCONF": "it cannot write to its disk, and accepts no more writes",
    "BUSY": "a script keeps it busy",
}


class UnfitServer(Exception):
    """A server that answers but cannot be used; the message says why."""


def described(error: BaseException) -> str:
    """Why the server cannot be used, without any secret."""
    message = " ".join(str(error).split())[:MESSAGE_CHARS_MAX]
    if isinstance(error, UnfitServer):
        return message
    for words, sentence in _BY_WORDS:
        if words in message:
            return sentence
    for kind, sentence in _BY_KIND:
        if isinstance(error, kind):
            return sentence
    if isinstance(error, RedisTimeoutError | TimeoutError):
        return "it does not answer in time: frozen, overloaded, or behind a broken network"
    if isinstance(error, ResponseError):
        return _BY_FIRST_WORD.get(message.partition(" ")[0], f"it says: {message}")
    return f"it cannot be reached: {_reason(error)}"


def check_version(server: dict[str, object]) -> None:
    """Raise `UnfitServer` if `INFO server` names a release that is too old."""
    named = str(server.get("redis_version", ""))
    match = re.match(r"(\d+)\.(\d+)", named)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UnfitServer(f"it is too old: {named}; {oldest} or later is needed")


def _reason(error: BaseException) -> str:
    """The message of the innermost error, which the operating system raised."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:MESSAGE_CHARS_MAX] or type(error).__name__
