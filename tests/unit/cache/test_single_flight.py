"""One load for everybody: who is answered, what is cached, and what a change does meanwhile."""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from event_seating.cache.single_flight import Outcome, SingleFlight
from event_seating.errors import Draining

LED = Outcome(joined=False, tainted=False)
JOINED = Outcome(joined=True, tainted=False)


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


class House:
    """A cache that is a dict, a source, and the flights between them."""

    def __init__(self) -> None:
        self.cache: dict[str, str] = {}
        self.source = Source()
        self.flights = SingleFlight[str](self.cache.__setitem__)

    def ask(self, key: str = "k") -> asyncio.Task[tuple[str, Outcome]]:
        async def wait() -> tuple[str, Outcome]:
            return await self.flights.load(key, self.source.reader(key))

        return asyncio.create_task(wait())


def run(scenario: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    """Run it on a loop of its own; whatever the loop would only log is a failure."""

    async def main() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: complaints.append(context)
        )
        house = House()
        await asyncio.wait_for(scenario(house), timeout=10)
        await house.flights.aclose()
        gc.collect()
        assert complaints == []
        assert house.flights.under_way == 0

    asyncio.run(main())


async def settle() -> None:
    """Let everything that can run now run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_hundred_callers_of_ten_keys_make_ten_loads() -> None:
    async def scenario(house: House) -> None:
        callers = [house.ask(f"k{number % 10}") for number in range(100)]
        await settle()
        house.source.gate.set()
        answers = await asyncio.gather(*callers)
        assert house.source.reads == {f"k{number}": 1 for number in range(10)}
        assert answers == [
            (f"k{number % 10}:old", LED if number < 10 else JOINED) for number in range(100)
        ]
        assert house.flights.coalesced == 90
        assert house.cache == {f"k{number}": f"k{number}:old" for number in range(10)}

    run(scenario)


def test_a_caller_after_the_landing_makes_a_load_of_its_own() -> None:
    async def scenario(house: House) -> None:
        house.source.gate.set()
        assert [await house.ask(), await house.ask()] == [("k:old", LED)] * 2
        assert house.source.reads["k"] == 2

    run(scenario)


@pytest.mark.parametrize("who", [0, 1], ids=["the leader", "a joiner"])
def test_a_cancelled_caller_takes_only_itself_away(who: int) -> None:
    async def scenario(house: House) -> None:
        callers = [house.ask() for _ in range(3)]
        await settle()
        cancelled = callers.pop(who)
        cancelled.cancel()
        await settle()
        assert cancelled.cancelled()  # at once, while the load goes on
        house.source.gate.set()
        assert [value for value, _ in await asyncio.gather(*callers)] == ["k:old"] * 2
        assert (house.source.reads["k"], house.source.cancelled) == (1, 0)
        assert house.cache == {"k": "k:old"}

    run(scenario)


def test_a_load_that_nobody_waits_for_any_more_lands_and_fills_the_cache() -> None:
    async def scenario(house: House) -> None:
        callers = [house.ask() for _ in range(2)]
        await settle()
        for caller in callers:
            caller.cancel()
        await settle()
        house.source.gate.set()
        await settle()
        assert house.cache == {"k": "k:old"}
        assert house.flights.under_way == 0

    run(scenario)


def test_an_exception_reaches_every_waiter_and_is_not_remembered() -> None:
    async def scenario(house: House) -> None:
        house.source.error = ConnectionError("the database went away")
        callers = [house.ask() for _ in range(3)]
        await settle()
        callers[1].cancel()
        house.source.gate.set()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(answer) for answer in answers] == [
            ConnectionError,
            asyncio.CancelledError,
            ConnectionError,
        ]
        assert house.cache == {}
        house.source.error = None
        assert await house.ask() == ("k:old", LED)

    run(scenario)


def test_an_exception_that_nobody_waits_for_any_more_is_no_complaint() -> None:
    async def scenario(house: House) -> None:
        house.source.error = ConnectionError("the database went away")
        caller = house.ask()
        await settle()
        caller.cancel()
        await settle()
        house.source.gate.set()
        await settle()
        assert house.cache == {}

    run(scenario)


def test_a_caller_cancelled_in_the_moment_of_a_failed_landing_leaves_no_complaint() -> None:
    async def scenario(house: House) -> None:
        house.source.error = ConnectionError("the database went away")
        waiter = house.flights.load("k", house.source.reader("k"))
        house.source.gate.set()
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
def test_a_tainted_flight_is_answered_but_not_cached_and_later_callers_fly_anew(
    everything: bool,
) -> None:
    async def scenario(house: House) -> None:
        early = [house.ask(), house.ask()]
        await settle()
        house.source.value = "new"
        house.flights.taint_all() if everything else house.flights.taint("k")
        late = [house.ask(), house.ask()]
        await settle()
        assert house.source.reads["k"] == 2
        house.source.gate.set()
        assert await asyncio.gather(*early) == [
            ("k:old", Outcome(joined=False, tainted=True)),
            ("k:old", Outcome(joined=True, tainted=True)),
        ]
        assert await asyncio.gather(*late) == [("k:new", LED), ("k:new", JOINED)]
        assert house.cache == {"k": "k:new"}

    run(scenario)


def test_a_tainted_flight_that_lands_last_does_not_overwrite_what_is_new() -> None:
    async def scenario(house: House) -> None:
        slow = house.source
        early = house.ask()
        await settle()
        house.flights.taint("k")
        house.source = Source()
        house.source.value = "new"
        house.source.gate.set()
        await house.ask()
        slow.gate.set()
        assert (await early)[0] == "k:old"
        assert house.cache == {"k": "k:new"}

    run(scenario)


def test_a_tainted_flight_that_lands_first_does_not_end_the_new_one() -> None:
    async def scenario(house: House) -> None:
        first = house.source
        early = house.ask()
        await settle()
        house.flights.taint("k")
        house.source = Source()
        late = house.ask()
        await settle()
        first.gate.set()
        await early
        joiner = house.ask()
        await settle()
        house.source.gate.set()
        assert [outcome for _, outcome in await asyncio.gather(late, joiner)] == [LED, JOINED]
        assert house.source.reads["k"] == 1

    run(scenario)


def test_a_taint_of_another_key_changes_nothing() -> None:
    async def scenario(house: House) -> None:
        caller = house.ask()
        await settle()
        house.flights.taint("other")
        house.source.gate.set()
        assert await caller == ("k:old", LED)
        assert house.cache == {"k": "k:old"}

    run(scenario)


def test_at_no_step_of_a_landing_can_a_change_leave_the_old_value_in_the_cache() -> None:
    """The change comes after every number of turns of the loop in which a landing can be."""

    async def change_after(turns: int) -> None:
        house = House()
        house.source.gate.set()
        caller = house.ask()
        for _ in range(turns):
            await asyncio.sleep(0)
        house.source.value = "new"
        house.flights.taint("k")
        house.cache.pop("k", None)
        await caller
        await house.flights.aclose()
        assert house.cache.get("k") != "k:old"

    async def main() -> None:
        for turns in range(10):
            await change_after(turns)

    asyncio.run(main())


def test_a_load_that_ends_the_process_does_so_even_if_nobody_waits() -> None:
    async def main() -> None:
        house = House()
        house.source.error = SystemExit(3)
        caller = house.ask()
        await settle()
        caller.cancel()
        await settle()
        house.source.gate.set()
        await settle()

    with pytest.raises(SystemExit):
        asyncio.run(main())


def test_closing_ends_what_is_under_way_and_tells_those_who_wait() -> None:
    async def scenario(house: House) -> None:
        tainted = house.ask()
        await settle()
        house.flights.taint("k")
        callers = [tainted, house.ask(), house.ask()]
        await settle()
        await house.flights.aclose()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Draining] * 3
        assert (house.source.cancelled, house.cache) == (2, {})
        with pytest.raises(Draining):
            await house.ask()

    run(scenario)


def test_closing_ends_a_load_that_has_not_taken_its_first_step() -> None:
    async def scenario(house: House) -> None:
        waiter = house.flights.load("k", house.source.reader("k"))
        await house.flights.aclose()
        with pytest.raises(Draining):
            await waiter
        assert house.source.reads["k"] == 0

    run(scenario)
