"""Waiting for what no event tells: asked again and again, within bounds."""

import asyncio
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

WITHIN_S = 60.0
"""Far more than anything here takes, for a machine that has other things to do."""

ASKED_EVERY_S = 0.01


async def until(condition: Callable[[], Any], within_s: float = WITHIN_S) -> None:
    """Wait until this (a function, of a value or of an awaitable) says yes."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(ASKED_EVERY_S)


def wait_until(condition: Callable[[], Any], within_s: float = WITHIN_S) -> None:
    """The same for tests without an event loop: nothing else runs in this thread meanwhile."""
    end = monotonic() + within_s
    while not condition():
        assert monotonic() < end
        sleep(ASKED_EVERY_S)
