"""One load for everybody: who is answered, what is cached, and what a change does meanwhile."""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from event_seating.cache.single_flight import SingleFlight
from event_seating.errors import Draining

LED = False
JOINED = True


class Source:
    """What is loaded from: counts its reads, and answers when its gate is opened."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.value = "old"
        self.error: BaseException | None = None
        self.gate = asyncio.Event()
        self.cancelled = 0

    def reader(self, key: str) -> Callable[[], Awaitable[str]]:
        async def read() -> str:
            self.reads[key] += 1
            value = self.value  # a database reads at once and answers later
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            if self.error:
                raise self.error
            return f"{key}:{value}"

        return read


class Scene:
    """A cache that is a dict, a source, and the flights between them."""

    def __init__(self) -> None:
        self.cache: dict[str, str] = {}
        self.source = Source()
        self.flights = SingleFlight[str](self.cache.__setitem__)

    def ask(self, key: str = "k") -> asyncio.Task[tuple[str, bool]]:
        async def wait() -> tuple[str, bool]:
            return await self.flights.load(key, self.source.reader(key))

        return asyncio.create_task(wait())


def run(scenario: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    """Run it on a loop of its own; whatever the loop would only log is a failure."""

    async def main() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: complaints.append(context)
        )
        scene = Scene()
        await asyncio.wait_for(scenario(scene), timeout=10)
        await scene.flights.aclose()
        gc.collect()
        assert complaints == []
        assert not scene.flights._tasks

    asyncio.run(main())


async def settle() -> None:
    """Let everything that can run now run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_hundred_callers_of_ten_keys_make_ten_loads() -> None:
    async def scenario(scene: Scene) -> None:
        callers = [scene.ask(f"k{number % 10}") for number in range(100)]
        await settle()
        scene.source.gate.set()
        answers = await asyncio.gather(*callers)
        assert scene.source.reads == {f"k{number}": 1 for number in range(10)}
        assert answers == [
            (f"k{number % 10}:old", LED if number < 10 else JOINED) for number in range(100)
        ]
        assert scene.flights.coalesced == 90
        assert scene.cache == {f"k{number}": f"k{number}:old" for number in range(10)}

    run(scenario)


def test_a_caller_after_the_landing_makes_a_load_of_its_own() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.gate.set()
        assert [await scene.ask(), await scene.ask()] == [("k:old", LED)] * 2
        assert scene.source.reads["k"] == 2

    run(scenario)


@pytest.mark.parametrize("who", [0, 1], ids=["the leader", "a joiner"])
def test_a_cancelled_caller_takes_only_itself_away(who: int) -> None:
    async def scenario(scene: Scene) -> None:
        callers = [scene.ask() for _ in range(3)]
        await settle()
        cancelled = callers.pop(who)
        cancelled.cancel()
        await settle()
        assert cancelled.cancelled()  # at once, while the load goes on
        scene.source.gate.set()
        assert [value for value, _ in await asyncio.gather(*callers)] == ["k:old"] * 2
        assert (scene.source.reads["k"], scene.source.cancelled) == (1, 0)
        assert scene.cache == {"k": "k:old"}

    run(scenario)


def test_a_load_that_nobody_waits_for_any_more_lands_and_fills_the_cache() -> None:
    async def scenario(scene: Scene) -> None:
        callers = [scene.ask() for _ in range(2)]
        await settle()
        for caller in callers:
            caller.cancel()
        await settle()
        scene.source.gate.set()
        await settle()
        assert scene.cache == {"k": "k:old"}
        assert not scene.flights._tasks

    run(scenario)


def test_an_exception_reaches_every_waiter_and_is_not_remembered() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.error = ConnectionError("the database went away")
        callers = [scene.ask() for _ in range(3)]
        await settle()
        callers[1].cancel()
        scene.source.gate.set()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(answer) for answer in answers] == [
            ConnectionError,
            asyncio.CancelledError,
            ConnectionError,
        ]
        assert scene.cache == {}
        scene.source.error = None
        assert await scene.ask() == ("k:old", LED)

    run(scenario)


def test_an_exception_that_nobody_waits_for_any_more_is_no_complaint() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.error = ConnectionError("the database went away")
        caller = scene.ask()
        await settle()
        caller.cancel()
        await settle()
        scene.source.gate.set()
        await settle()
        assert scene.cache == {}

    run(scenario)


def test_a_caller_cancelled_in_the_moment_of_a_failed_landing_leaves_no_complaint() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.error = ConnectionError("the database went away")
        waiter = scene.flights.load("k", scene.source.reader("k"))
        scene.source.gate.set()
        await settle()
        assert waiter.done()  # failed, and its caller never looks
        del waiter

    run(scenario)


def test_a_failing_cache_reaches_the_callers_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        def refuse(key: str, value: str) -> None:
            raise MemoryError(key)

        flights = SingleFlight[str](refuse)
        source = Source()
        source.gate.set()
        for _ in range(2):
            with pytest.raises(MemoryError):
                await flights.load("k", source.reader("k"))
        assert source.reads["k"] == 2

    asyncio.run(main())


@pytest.mark.parametrize("everything", [False, True], ids=["one key", "every key"])
def test_an_invalidated_flight_is_answered_but_not_cached_and_later_callers_start_their_own(
    everything: bool,
) -> None:
    async def scenario(scene: Scene) -> None:
        early = [scene.ask(), scene.ask()]
        await settle()
        scene.source.value = "new"
        scene.flights.invalidate_all() if everything else scene.flights.invalidate("k")
        late = [scene.ask(), scene.ask()]
        await settle()
        assert scene.source.reads["k"] == 2
        scene.source.gate.set()
        assert await asyncio.gather(*early) == [
            ("k:old", LED),
            ("k:old", JOINED),
        ]
        assert await asyncio.gather(*late) == [("k:new", LED), ("k:new", JOINED)]
        assert scene.cache == {"k": "k:new"}

    run(scenario)


def test_an_invalidated_flight_that_lands_last_does_not_overwrite_what_is_new() -> None:
    async def scenario(scene: Scene) -> None:
        slow = scene.source
        early = scene.ask()
        await settle()
        scene.flights.invalidate("k")
        scene.source = Source()
        scene.source.value = "new"
        scene.source.gate.set()
        await scene.ask()
        slow.gate.set()
        assert (await early)[0] == "k:old"
        assert scene.cache == {"k": "k:new"}

    run(scenario)


def test_an_invalidated_flight_that_lands_first_does_not_end_the_new_one() -> None:
    async def scenario(scene: Scene) -> None:
        first = scene.source
        early = scene.ask()
        await settle()
        scene.flights.invalidate("k")
        scene.source = Source()
        late = scene.ask()
        await settle()
        first.gate.set()
        await early
        joiner = scene.ask()
        await settle()
        scene.source.gate.set()
        assert [outcome for _, outcome in await asyncio.gather(late, joiner)] == [LED, JOINED]
        assert scene.source.reads["k"] == 1

    run(scenario)


def test_invalidating_another_key_changes_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        caller = scene.ask()
        await settle()
        scene.flights.invalidate("other")
        scene.source.gate.set()
        assert await caller == ("k:old", LED)
        assert scene.cache == {"k": "k:old"}

    run(scenario)


def test_at_no_step_of_a_landing_can_a_change_leave_the_old_value_in_the_cache() -> None:
    """The change comes after every number of turns of the loop in which a landing can be."""

    async def change_after(turns: int) -> None:
        scene = Scene()
        scene.source.gate.set()
        caller = scene.ask()
        for _ in range(turns):
            await asyncio.sleep(0)
        scene.source.value = "new"
        scene.flights.invalidate("k")
        scene.cache.pop("k", None)
        await caller
        await scene.flights.aclose()
        assert scene.cache.get("k") != "k:old"

    async def main() -> None:
        for turns in range(10):
            await change_after(turns)

    asyncio.run(main())


def test_a_load_that_ends_the_process_does_so_even_if_nobody_waits() -> None:
    async def main() -> None:
        scene = Scene()
        scene.source.error = SystemExit(3)
        caller = scene.ask()
        await settle()
        caller.cancel()
        await settle()
        scene.source.gate.set()
        await settle()

    with pytest.raises(SystemExit):
        asyncio.run(main())


def test_closing_ends_what_is_under_way_and_tells_those_who_wait() -> None:
    async def scenario(scene: Scene) -> None:
        invalidated = scene.ask()
        await settle()
        scene.flights.invalidate("k")
        callers = [invalidated, scene.ask(), scene.ask()]
        await settle()
        await scene.flights.aclose()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Draining] * 3
        assert (scene.source.cancelled, scene.cache) == (2, {})
        with pytest.raises(Draining):
            await scene.ask()

    run(scenario)


def test_closing_ends_a_load_that_has_not_taken_its_first_step() -> None:
    async def scenario(scene: Scene) -> None:
        waiter = scene.flights.load("k", scene.source.reader("k"))
        await scene.flights.aclose()
        with pytest.raises(Draining):
            await waiter
        assert scene.source.reads["k"] == 0

    run(scenario)
