"""Best available of 4 where it is hardest: a hall of 50,000 seats of which a few blocks are left.

All is sold but `BLOCKS` blocks of four, and as many pairs that are too short. Holds take the blocks
one after the other, then one more finds that there is none, then all are given back: so a search
meets seats that went and seats that came back. The reference is the same walk by someone who knows
the blocks and picks them by hand. Time of the decision alone, by the clock.
"""

import time
from collections.abc import Iterator, Sequence

from benchmarks import crowd
from benchmarks.rows import Row, less_is_better
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.booking.core.commands import (
    Best,
    BookSeats,
    Choice,
    Command,
    Configure,
    PlaceHold,
    ReleaseHold,
)
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seating import ids

TOPIC = "seats, best"

SEATS = 50_000
QUANTITY = 4
BLOCKS = 20
WALKS = 200
"""How often the blocks are taken and given back in a round."""

SOLD_AT_ONCE = 1_000


def measure(run: Run) -> Iterator[Row | Profile]:
    states = SeatStates.new(crowd.seat_index(SEATS))
    _decide(states, Configure(crowd.CONFIGURATION))
    blocks = _sell_all_but(states, BLOCKS)
    best: list[list[float]] = []
    none: list[list[float]] = []
    by_hand: list[list[float]] = []
    for number in range(run.rounds):
        run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
        found, refused = _walk(states, [Best(QUANTITY)] * (BLOCKS + 1))
        best.append(found)
        none.append(refused)
        by_hand.append(_walk(states, [Choice(block) for block in blocks])[0])
    for percent in (50, 99):
        ours = [crowd.percentile(times, percent) for times in best]
        theirs = [crowd.percentile(times, percent) for times in by_hand]
        yield Row(
            topic=TOPIC,
            what=f"best {QUANTITY} of a full {SEATS:,}, {'median' if percent == 50 else 'p99'}",
            against="picked by hand",
            measured=samples(ours, "µs"),
            reference=samples(theirs, "µs"),
            ratio=less_is_better(ours, theirs),
        )
    yield Row(
        topic=TOPIC,
        what=f"no block of {QUANTITY} left, p99",
        measured=samples([crowd.percentile(times, 99) for times in none], "µs"),
    )


def _sell_all_but(states: SeatStates, blocks: int) -> list[tuple[int, ...]]:
    """Book every seat but so many blocks, spread over the hall, and a pair beside each."""
    step = SEATS // blocks
    free = [tuple(range(at, at + QUANTITY)) for at in range(10, SEATS, step)]
    pairs = {seat for block in free for seat in (block[0] + 20, block[0] + 21)}
    kept = pairs.union(*free)
    sold = [seat for seat in range(SEATS) if seat not in kept]
    for at in range(0, len(sold), SOLD_AT_ONCE):
        seats = tuple(sold[at : at + SOLD_AT_ONCE])
        outcome = _decide(states, BookSeats(ids.new_key(), Choice(seats)))
        assert isinstance(outcome, Entry), f"the seats could not be sold: {outcome}"
    return free


def _walk(
    states: SeatStates, choices: Sequence[Best] | Sequence[Choice]
) -> tuple[list[float], list[float]]:
    """Hold by each choice, give all back, many times: times of grants and of refusals in µs."""
    granted: list[float] = []
    refused: list[float] = []
    for _ in range(WALKS):
        holds = []
        for choice in choices:
            hold = ids.new_key()
            request = PlaceHold(hold, choice, b"buyer")
            batch = states.begin(states.at_ms + 1)
            started = time.perf_counter_ns()
            outcome = batch.decide(request)
            elapsed_us = (time.perf_counter_ns() - started) / 1000
            if isinstance(outcome, Refusal):
                assert outcome.code is RefusalCode.no_block, outcome
                batch.discard()
                refused.append(elapsed_us)
            else:
                states.commit(batch)
                holds.append(hold)
                granted.append(elapsed_us)
        assert len(holds) == BLOCKS, f"{len(holds)} of {BLOCKS} blocks were found"
        for hold in holds:
            _decide(states, ReleaseHold(hold))
    return granted, refused


def _decide(states: SeatStates, request: Command) -> Entry | Refusal:
    batch = states.begin(states.at_ms + 1)
    outcome = batch.decide(request)
    states.commit(batch)
    return outcome
