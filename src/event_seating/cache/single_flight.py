"""One load for all callers who ask for the same key while it is under way.

Owns the flights: which keys are being loaded, who waits for each, and whether a result may still be
cached when it lands. A load runs in a task of its own, so cancelling a caller, even the one who
began the load, affects no other caller. Every caller waits on a future of its own, which is all
that a waiting caller costs. An exception reaches every waiting caller and is not cached.

Why no stale result is ever cached. A flight is in the table from its start until it lands or is
invalidated, whichever comes first: invalidating a key takes its flight out of the table, so that
later callers find none and start their own. At landing the flight checks once whether it is still
in the table, leaves the table, and passes the result to `on_landing`, all without a suspension
point, so on one event loop nothing happens in between. An invalidation therefore either came before
that moment, and the result is not cached, or comes after it, when the cache holds the result. So
whoever learns that a key has changed must do two things in one step, without an await between them:
invalidate the key here and discard (or replace) what the cache holds. Then either the flight does
not cache its result, or the cached result is removed. An invalidation that comes before the flight
starts has nothing to do: that flight reads the new value.

It never times out (a load must have its own time limit, which bounds the table and the waiters),
never retries, and knows neither the cache nor the database.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from event_seating.errors import Draining

T = TypeVar("T")


class _Flight(Generic[T]):
    """One load under way; `waiters[0]` is the caller who began it."""

    __slots__ = ("key", "waiters")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiters: list[asyncio.Future[tuple[T, bool]]] = []


class SingleFlight(Generic[T]):
    """Loads of values by key, one at a time for each key, on one event loop.

    `on_landing(key, value)` is called for each load that succeeded and was not invalidated, before
    any of its callers continues. It must not wait; this is where a cache is filled.
    """

    def __init__(self, on_landing: Callable[[str, T], None]) -> None:
        self._on_landing = on_landing
        self._flights: dict[str, _Flight[T]] = {}
        self._tasks: dict[asyncio.Task[None], _Flight[T]] = {}  # invalidated flights as well
        self._coalesced = 0
        self._closed = False

    @property
    def coalesced(self) -> int:
        """How many callers joined a load that another had begun, since the start."""
        return self._coalesced

    def load(self, key: str, load: Callable[[], Awaitable[T]]) -> asyncio.Future[tuple[T, bool]]:
        """Await it at once: the value, and whether it came from a load already under way.

        If there was none, `load` starts one.

        Raises what the load raises, and `Draining` once closed. Not a coroutine, since a coroutine
        waiting on the future would cost each caller three times as much.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise Draining
        waiter: asyncio.Future[tuple[T, bool]] = loop.create_future()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(key)
            task = loop.create_task(self._fly(flight, load), name=f"load {key}")
            self._tasks[task] = flight
            task.add_done_callback(self._tasks.pop)
        else:
            self._coalesced += 1
        flight.waiters.append(waiter)
        return waiter

    def invalidate(self, key: str) -> None:
        """The key has changed: a load under way answers its callers but is not cached.

        Call it together with the change of the cache, with no await between them.
        """
        self._flights.pop(key, None)

    def invalidate_all(self) -> None:
        """Every key may have changed."""
        self._flights.clear()

    async def aclose(self) -> None:
        """Cancel every load under way and wait for its end; its callers get `Draining`."""
        self._closed = True
        self.invalidate_all()
        tasks = tuple(self._tasks)
        for task, flight in self._tasks.items():
            _fail(flight, Draining())  # here, since a task that never ran cannot do it
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, flight: _Flight[T], load: Callable[[], Awaitable[T]]) -> None:
        """Load, then land: from the end of the first `await` on, nothing here suspends."""
        try:
            value = await load()
            if self._leave(flight):
                self._on_landing(flight.key, value)
        except BaseException as error:
            self._leave(flight)
            _fail(flight, error)
            if not isinstance(error, Exception):
                raise
        else:
            _answer(flight, value)

    def _leave(self, flight: _Flight[T]) -> bool:
        """Take the flight out of the table; False if it was invalidated before."""
        if self._flights.get(flight.key) is not flight:
            return False
        del self._flights[flight.key]
        return True


def _answer(flight: _Flight[T], value: T) -> None:
    led, joined = (value, False), (value, True)
    for place, waiter in enumerate(flight.waiters):
        if not waiter.done():  # a caller who was cancelled
            waiter.set_result(joined if place else led)


def _fail(flight: _Flight[T], error: BaseException) -> None:
    for waiter in flight.waiters:
        if not waiter.done():
            waiter.set_exception(error)
            waiter.exception()  # counts as retrieved, for its caller may be cancelled just now
    flight.waiters.clear()  # the error's traceback leads to the flight: no cycle for the collector
