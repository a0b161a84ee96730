"""What is wrong with a Redis or Valkey, in words for the person who has to mend it.

Owns the sentences and the oldest release that will do. It asks nobody: it is given an error, or
what the server says of itself.
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

SAID_CHARS_MAX: Final = 200
"""Of what a server says, in a line of ours."""

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
    (BusyLoadingError, "it is still reading its file"),
    (OutOfMemoryError, "it is full (maxmemory)"),
    (ReadOnlyError, "it is a replica, which cannot be written"),
    (MasterDownError, "it is a replica without its primary"),
    (NoPermissionError, "its user may not do what is needed"),
)

_BY_FIRST_WORD: Final = {
    "MISCONF": "it cannot write its disk, and takes nothing more",
    "BUSY": "a script keeps it busy",
}


class UnfitServer(Exception):
    """A server that answers, and cannot be used; the text says why."""


def described(error: BaseException) -> str:
    """Why the server cannot be used, without what is secret."""
    said = " ".join(str(error).split())[:SAID_CHARS_MAX]
    if isinstance(error, UnfitServer):
        return said
    for words, sentence in _BY_WORDS:
        if words in said:
            return sentence
    for kind, sentence in _BY_KIND:
        if isinstance(error, kind):
            return sentence
    if isinstance(error, RedisTimeoutError | TimeoutError):
        return "it does not answer in time: frozen, overloaded, or behind a broken network"
    if isinstance(error, ResponseError):
        return _BY_FIRST_WORD.get(said.partition(" ")[0], f"it says: {said}")
    return f"it cannot be reached: {_reason(error)}"


def check_version(server: dict[str, object]) -> None:
    """Raise `UnfitServer` when what `INFO server` says is of a release that is too old."""
    named = str(server.get("redis_version", ""))
    match = re.match(r"(\d+)\.(\d+)", named)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UnfitServer(f"it is too old: {named}, and {oldest} or later is needed")


def _reason(error: BaseException) -> str:
    """Of the innermost error, which the operating system made."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:SAID_CHARS_MAX] or type(error).__name__
