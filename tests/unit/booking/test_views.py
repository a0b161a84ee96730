"""Snapshots as ready bytes, held against what a loop over every seat would write."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.seat_states import PRICES, configure, row_of

from event_seating.booking.core.commands import (
    AreaQuantity,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    Choice,
    Part,
    PlaceHold,
    UnblockSeats,
)
from event_seating.booking.core.records import STATUS_NAMES
from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.reads import encodings
from event_seating.booking.reads.encodings import COMPACT, FULL
from event_seating.booking.reads.seat_map_status import COMPRESS_EVERY_S, SeatMapStatus
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.web.ready import Ready

pytestmark = pytest.mark.anyio

EVENT = "testevent001"
NOW = 1_700_000_000_000
GZIP = {b"accept-encoding": b"gzip"}


def index() -> SeatIndex:
    awkward = [SeatPlan('"\\ü🎟', 0.0, 5.0, "2"), SeatPlan("x" * 64, 1.0, 5.0, "2")]
    rows = [row_of(6), row_of(6, name="2", y=1.0), RowPlan("B", "1", awkward)]
    return SeatIndex(rows, [AreaPlan("floor", 5, "1"), AreaPlan('b"ar', 3, "2")])


class Log:
    """What views know of a log: its state. Requests are decided and told at once."""

    def __init__(self, seats: SeatIndex) -> None:
        self.states = SeatStates.new(seats)
        self.broken: str | None = None
        self.views: SeatMapStatus | None = None
        configure(self.states, prices=PRICES)

    def do(self, *requests: Any) -> None:
        batch = self.states.begin(NOW)
        for request in requests:
            batch.decide(request)
        if not batch.entries:
            batch.discard()
            return
        changes = self.states.commit(batch)
        if self.views is not None:
            self.views(self, changes, batch.entries)  # type: ignore[arg-type]

    async def catch_up(self) -> None:
        """There is nothing that it has not been told."""


class Logs:
    """The one event, in memory or not."""

    def __init__(self, log: Log) -> None:
        self.log: Log | None = log

    def in_memory(self, event_id: str) -> Log | None:
        return self.log

    async def get(self, event_id: str) -> Log:
        assert self.log is not None
        return self.log


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def set_up() -> tuple[SeatMapStatus, Log, Clock]:
    log, clock = Log(index()), Clock()

    async def bookable_of(event_id: str) -> BookableEvent:
        return BookableEvent(event_id, "e1", b"", log.states.index, str, ["floor", "bar"])

    seat_views = SeatMapStatus(Logs(log), bookable_of, clock)  # type: ignore[arg-type]
    log.views = seat_views
    return seat_views, log, clock


async def read(
    seat_views: SeatMapStatus,
    form: str = FULL,
    version: int = 0,
    accept: str = "",
    tags: Any = None,
) -> Ready:
    return await seat_views.read(EVENT, form, version, accept, tags)


def naive(log: Log, *, compact: bool) -> dict[str, Any]:
    """The snapshot, seat by seat."""
    states = log.states
    statuses = [states.status(seat) for seat in range(states.index.size)]
    counted = {name: statuses.count(name) for name in STATUS_NAMES}
    areas = {}
    for area in states.index.areas:
        places = statuses[area.first : area.first + area.capacity]
        areas[area.id] = {name: places.count(name) for name in STATUS_NAMES}
    letters = {"available": "a", "held": "h", "booked": "b", "blocked": "x"}
    named = dict(zip(states.index.ids, statuses, strict=False))
    return {
        "eventId": EVENT,
        "epoch": "e1",
        "version": states.version,
        "counts": counted,
        "seats": "".join(map(letters.__getitem__, named.values())) if compact else named,
        "areas": areas,
    }


def strictly(body: bytes) -> Any:
    """The JSON, if no key comes twice in any object."""

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(body, object_pairs_hook=once)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


SEATS = st.lists(st.integers(0, 13), min_size=1, max_size=4, unique=True).map(tuple)
AREAS = st.lists(st.integers(0, 1), max_size=1).map(
    lambda found: tuple(AreaQuantity(area, 2) for area in found)
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "book", "straight", "cancel", "block", "unblock", "read"]),
        st.integers(0, 5),
        SEATS,
        AREAS,
    ),
    max_size=25,
)

BEGINS = {"hold": "hold", "book": "booking", "straight": "booking"}


def request(kind: str, number: int, seats: tuple[int, ...], areas: Any) -> Any:
    match kind:
        case "hold":
            return PlaceHold(key(number), Choice(seats, areas), b"buyer")
        case "book":
            return BookHold(key(number), key(number + 100))
        case "straight":
            return BookSeats(key(number + 100), Choice(seats, areas), from_blocked=True)
        case "cancel":
            return CancelBooking(key(number + 100))
        case "block":
            return BlockSeats(Part(seats, areas))
        case _:
            return UnblockSeats(Part(seats, areas))


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_after_any_traffic_the_bytes_are_what_a_loop_over_every_seat_gives(steps: Any) -> None:
    async def run() -> None:
        seat_views, log, _ = set_up()
        begun = set()
        for kind, number, seats, areas in steps:
            if kind == "read":
                await read(seat_views)
                await read(seat_views, COMPACT)
                continue
            # Ids are drawn at random outside; here each may begin a hold and a booking once.
            name = (BEGINS.get(kind), number)
            if name not in begun:
                log.do(request(kind, number, seats, areas))
            if kind in BEGINS:
                begun.add(name)
        for form in (FULL, COMPACT):
            answer = await read(seat_views, form)
            expected = naive(log, compact=form == COMPACT)
            assert strictly(answer.body) == expected
            assert list(strictly(answer.body)["seats"]) == list(expected["seats"])
        await seat_views.aclose()

    asyncio.run(run())


async def test_the_compact_form_has_no_byte_to_spare() -> None:
    seat_views, log, _ = set_up()
    expected = json.dumps(naive(log, compact=True), separators=(",", ":"))
    assert (await read(seat_views, COMPACT)).body == expected.encode()


async def test_the_edge_answers_what_it_has_and_nothing_else() -> None:
    seat_views, log, _ = set_up()
    assert seat_views.ready(EVENT, b"", {}) is None, "nobody has read it yet"
    full = await read(seat_views)
    assert seat_views.ready(EVENT, b"", {}) == full
    assert seat_views.ready(EVENT, b"format=full", {}) == full
    compact = seat_views.ready(EVENT, b"format=compact", {})
    assert compact == await read(seat_views, COMPACT)
    version = log.states.version
    assert seat_views.ready(EVENT, b"version=%d" % version, {}) == full
    assert seat_views.ready(EVENT, b"format=compact&version=%d" % version, {}) == compact
    for query in (b"version=%d" % (version + 1), b"format=csv", b"version=-1", b"x=1", b"&"):
        assert seat_views.ready(EVENT, query, {}) is None


async def test_a_write_is_in_the_very_next_read_without_building_anything_anew() -> None:
    seat_views, log, _ = set_up()
    await read(seat_views)
    view = seat_views._events[log]  # type: ignore[index]
    assert view.full is not None
    before = view.full.seats
    log.do(PlaceHold(key(1), Choice((3,)), b"buyer"))
    answer = seat_views.ready(EVENT, b"", {})
    assert answer is not None
    assert strictly(answer.body)["seats"]["A-1-3"] == "held"
    assert view.full.seats is before


async def test_what_moves_while_the_full_form_is_written_is_in_it() -> None:
    seat_views, log, _ = set_up()
    reading = asyncio.create_task(read(seat_views))
    for _ in range(3):
        await asyncio.sleep(0)
    assert seat_views._writing._tasks
    log.do(PlaceHold(key(1), Choice((3,)), b"buyer"))
    log.do(PlaceHold(key(2), Choice((4,)), b"buyer"))
    assert strictly((await reading).body) == naive(log, compact=False)


async def test_bytes_of_one_version_are_made_once() -> None:
    seat_views, log, _ = set_up()
    first = await read(seat_views)
    assert (await read(seat_views)).body is first.body
    log.do(PlaceHold(key(1), Choice((3,)), b"buyer"))
    assert (await read(seat_views)).body is not first.body


async def test_a_tag_names_epoch_version_form_and_encoding() -> None:
    seat_views, log, _ = set_up()
    tags = {
        dict((await read(seat_views, form, accept=accept)).headers)[b"etag"]
        for form in (FULL, COMPACT)
        for accept in ("", "gzip")
    }
    version = log.states.version
    assert tags == {
        f'"e1-{version}-{name}"'.encode()
        for name in ("full", "full-gzip", "compact", "compact-gzip")
    }


async def test_who_has_the_bytes_gets_none_whatever_their_encoding_was() -> None:
    seat_views, log, _ = set_up()
    plain, packed = await read(seat_views), await read(seat_views, accept="gzip")
    for answer in (plain, packed):
        tag = dict(answer.headers)[b"etag"]
        again = seat_views.ready(EVENT, b"", {b"if-none-match": b'"old", W/%b' % tag, **GZIP})
        assert again is not None
        assert (again.status, again.body) == (304, b"")
        assert dict(again.headers)[b"etag"] == tag
        other_form = seat_views.ready(EVENT, b"format=compact", {b"if-none-match": tag})
        assert other_form is not None
        assert other_form.status == 200
    log.do(PlaceHold(key(1), Choice((3,)), b"buyer"))
    moved = seat_views.ready(EVENT, b"", {b"if-none-match": tag})
    assert moved is not None
    assert moved.status == 200


async def test_a_version_is_compressed_once_for_all_who_wait() -> None:
    seat_views, _, _ = set_up()
    answers = await asyncio.gather(*(read(seat_views, accept="gzip") for _ in range(20)))
    assert len({id(answer.body) for answer in answers}) == 1
    assert gzip.decompress(answers[0].body) == (await read(seat_views)).body
    ready = seat_views.ready(EVENT, b"", GZIP)
    assert ready is not None
    assert ready.body is answers[0].body


async def test_under_fire_what_is_not_compressed_yet_comes_plain() -> None:
    seat_views, log, clock = set_up()
    await read(seat_views, accept="gzip")
    log.do(PlaceHold(key(1), Choice((3,)), b"buyer"))
    plain = seat_views.ready(EVENT, b"", GZIP)
    assert plain is not None
    assert b"content-encoding" not in dict(plain.headers)
    assert strictly(plain.body)["seats"]["A-1-3"] == "held"
    clock.now += COMPRESS_EVERY_S
    assert seat_views.ready(EVENT, b"", GZIP) is None, "it is time to compress again"
    packed = await read(seat_views, accept="gzip")
    assert dict(packed.headers)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(packed.body) == plain.body


async def test_a_view_ends_with_its_log() -> None:
    import gc  # noqa: PLC0415

    seat_views, log, _ = set_up()
    await read(seat_views)
    assert len(seat_views._events) == 1
    seat_views._logs.log = None  # type: ignore[attr-defined]
    seat_views._bookable_of = None  # type: ignore[assignment]
    del log
    gc.collect()
    assert len(seat_views._events) == 0


def test_places_of_areas_are_no_seats_of_the_form() -> None:
    log = Log(index())
    form = encodings.full(log.states.characters(), log.states.index.ids)
    before = bytes(form.seats)
    form.patch(dict.fromkeys(range(log.states.index.seat_count, log.states.index.size), 1))
    assert form.seats == before
    form.patch({0: 3})
    assert form.seats == before.replace(b'"available"', b'"blocked"  ', 1)
