"""Connections to Redis or Valkey, with the limits that keep a broken one from holding us up.

A server may be away, frozen, full or loading. A command gives up after `COMMAND_TIMEOUT_S` and is
not tried again by the connection: whoever asked knows better what to do. Only the connection on
which a worker waits for jobs has no limit of its own, since waiting is its work. The library's
default, a limit on that one too and retries on all, starves idle workers and hangs everything else
on a frozen server.

Owns the kinds of connections and what counts as being away. Sends no command by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from event_seating.errors import RedisUnavailable

COMMAND_TIMEOUT_S: Final = 1.0
"""A server that is there answers in a millisecond."""

CONNECT_TIMEOUT_S: Final = 1.0


CANCEL_AGAIN_S: Final = 0.5
"""A task that was told to end and goes on is told again."""


def connect(url: str, *, waits: bool = False) -> Redis:
    """A client for this URL (`redis://`, `rediss://` or `unix://`); connects when it is used.

    With `waits`, for blocking commands alone: a command may take as long as the server likes.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=None if waits else COMMAND_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks and wait for their end.

    More than once, if need be: a command that fails in the same moment takes the word for a failure
    of its own, and a task that tries again would go on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


@asynccontextmanager
async def unavailable_when_away() -> AsyncIterator[None]:
    """Whatever Redis or the way to it does wrong becomes `RedisUnavailable`."""
    try:
        yield
    except (RedisError, TimeoutError, OSError) as error:
        raise RedisUnavailable from error
