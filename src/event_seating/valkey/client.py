"""Connections to Redis or Valkey, with timeouts so that a broken server never blocks a caller.

A server may be unavailable, frozen, full or loading. A command fails after `COMMAND_TIMEOUT_S` and
the connection does not retry it: the caller knows better what to do. Only the connection on which a
worker waits for jobs has no timeout, since waiting is its purpose. The library's defaults, a
timeout on that connection too and retries on all, would starve idle workers and block everything
else on a frozen server.

Owns the kinds of connections and which errors mean that the server is unavailable. Sends no command
by itself.
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
"""A healthy server answers within a millisecond."""

CONNECT_TIMEOUT_S: Final = 1.0

CANCEL_AGAIN_S: Final = 0.5
"""A task that was cancelled and still runs is cancelled again."""


def connect(url: str, *, waits: bool = False) -> Redis:
    """A client for this URL (`redis://`, `rediss://` or `unix://`); connects when it is used.

    With `waits`, for blocking commands only: a command may take any time.
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

    Cancels more than once if necessary: a command that fails at the same moment can swallow the
    cancellation, and a task that retries would then run for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


@asynccontextmanager
async def errors_as_unavailable() -> AsyncIterator[None]:
    """Raise `RedisUnavailable` in place of any error of Redis or of the network."""
    try:
        yield
    except (RedisError, TimeoutError, OSError) as error:
        raise RedisUnavailable from error
