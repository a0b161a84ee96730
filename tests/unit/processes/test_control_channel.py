"""The line between the supervisor and its children."""

import socket

import pytest

from event_seating.processes.control_channel import READY, STOP, Channel

pytestmark = pytest.mark.anyio


async def test_a_last_word_is_heard_by_an_end_that_speaks_meanwhile() -> None:
    ours, theirs = socket.socketpair()
    parent, child = await Channel.on(ours), await Channel.on(theirs)
    parent.say_last(STOP)
    child.say(READY)
    child.say(READY)
    assert await child.hears(STOP)
    assert await parent.hears(READY)
    assert not await child.hears(STOP), "no more will follow"
    parent.close()
    child.close()
