"""Anything may come, in any pieces: what it means is what the reference says, and nothing breaks.

The seeds are fixed. A stream that fails is in the message of the assertion, with its pieces.
"""

import asyncio

import psutil
import pytest
from tests.unit.http_server.outcomes import expected, outcomes
from tests.unit.http_server.streams import Stream, streams

BATCH = 500
GROWTH_BYTES_MAX = 8_000_000
"""What an allocator may keep; a byte a stream of the long test would be half of it."""


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


async def check(batch: list[Stream], *, at_once: bool) -> None:
    ends = [number for number, stream in enumerate(batch) if stream.ends]
    found = await outcomes([stream.pieces for stream in batch], at_once=at_once, ends=ends)
    for stream, outcome in zip(batch, found, strict=True):
        assert outcome == expected(stream.whole, ends=stream.ends), stream
        if stream.intact:
            assert all(seen.target == b"/users" for seen in outcome.seen), stream


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("first", "count"),
    [
        (0, 20_000),
        pytest.param(1, 500_000, marks=pytest.mark.long),
        pytest.param(2, 500_000, marks=pytest.mark.long),
    ],
)
def test_whatever_comes_is_read_as_the_reference_reads_it(first: int, count: int) -> None:
    async def read_all() -> None:
        before = 0
        for number in range(count // BATCH):
            batch = streams(first * 1_000_000 + number, BATCH)
            await check(batch, at_once=number % 2 == 1)
            if number == count // BATCH // 5:
                before = resident()
        assert resident() - before < GROWTH_BYTES_MAX

    asyncio.run(read_all())
