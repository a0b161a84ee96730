"""Long work of a thread gives way to the event loop."""

import asyncio
import threading
from time import perf_counter

import pytest

from event_seating.venues import throttling
from event_seating.venues.throttling import EVERY_S, Throttle

pytestmark = pytest.mark.anyio


def test_a_pause_comes_once_in_a_while_and_not_between_all_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, pauses = 0.0, 0

    def pause(seconds: float) -> None:
        nonlocal pauses
        assert seconds > 0, "a pause of nothing lets nobody else in"
        pauses += 1

    monkeypatch.setattr(throttling, "perf_counter", lambda: now)
    monkeypatch.setattr(throttling, "sleep", pause)
    give_way = Throttle()
    for _ in range(100):
        now += EVERY_S / 10
        give_way()
    assert 5 <= pauses <= 10


async def test_the_loop_goes_on_beside_a_thread_that_computes() -> None:
    """Without giving way a step of the loop waits for 5 ms, the interval of the interpreter."""
    stop = threading.Event()

    def compute() -> None:
        give_way = Throttle()
        while not stop.is_set():
            sum(range(1_000))
            give_way()

    computing = asyncio.create_task(asyncio.to_thread(compute))
    steps: list[float] = []
    for _ in range(200):
        before = perf_counter()
        await asyncio.sleep(0.0001)
        steps.append(perf_counter() - before)
    stop.set()
    await computing
    assert sorted(steps)[len(steps) // 2] < 0.004
