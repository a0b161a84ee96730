import asyncio

import pytest
from benchmarks import live
from benchmarks.watchers import _frame


def test_a_change_has_reached_a_watcher_with_the_first_frame_that_is_not_older():
    receipts = {3: [1.0] * live.WATCHERS, 7: [2.0] * live.WATCHERS}
    latencies = live._latencies([(2, 0.9), (3, 0.95), (4, 1.5)], receipts)
    assert len(latencies) == 3 * live.WATCHERS
    assert sorted({round(each) for each in latencies}) == [50, 100, 500]


def test_a_frame_that_not_everybody_got_is_not_measured():
    with pytest.raises(AssertionError, match="999"):
        live._latencies([(2, 0.9)], {2: [1.0] * (live.WATCHERS - 1)})


@pytest.mark.parametrize("size", [5, 125, 126, 65_535, 65_536])
def test_frames_of_each_length_are_read(size):
    async def read():
        reader = asyncio.StreamReader()
        if size < 126:
            head = bytes([0x81, size])
        elif size < 65_536:
            head = bytes([0x81, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x81, 127]) + size.to_bytes(8, "big")
        reader.feed_data(head + b"x" * size + b"\x81\x01y")
        return await _frame(reader), await _frame(reader)

    assert asyncio.run(read()) == (b"x" * size, b"y")
