"""What is wanted is as new as the newest read, and is read again when somebody says so."""

import asyncio

import pytest

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.webhooks.model import Webhook
from event_seating.webhooks.subscribed_types import SubscribedTypes

pytestmark = pytest.mark.anyio

TYPES = frozenset({"booking.created", "hold.created"})


def webhook(*types: str) -> Webhook:
    return Webhook("wh-1", "https://a.example/", types, None, "whsec_a", None, None, False, 1, 1)


class Slow(SubscribedTypes):
    """One whose reads end when the test says so, with what it says."""

    def __init__(self) -> None:
        super().__init__(Database("sqlite+aiosqlite:///nowhere.db"), TYPES)
        self.reads: asyncio.Queue[asyncio.Future[list[Webhook]]] = asyncio.Queue()

    async def _webhooks(self) -> list[Webhook]:
        read: asyncio.Future[list[Webhook]] = asyncio.get_running_loop().create_future()
        self.reads.put_nowait(read)
        return await read


async def test_a_read_that_began_earlier_does_not_replace_a_newer_one() -> None:
    wanted = Slow()
    first, second = asyncio.create_task(wanted.refresh()), asyncio.create_task(wanted.refresh())
    older, newer = await wanted.reads.get(), await wanted.reads.get()
    newer.set_result([webhook("hold.created")])
    await second
    older.set_result([])
    await first
    assert wanted() == {"hold.created"}


async def test_a_word_from_elsewhere_is_acted_on_at_once() -> None:
    wanted = Slow()
    running = asyncio.create_task(wanted.run())
    async with asyncio.timeout(3):
        wanted.refresh_soon()
        (await wanted.reads.get()).set_result([webhook("hold.created")])
        wanted.refresh_soon()
        read = await wanted.reads.get()
        assert wanted() == {"hold.created"}
        read.set_result([webhook("*")])
        wanted.refresh_soon()
        await wanted.reads.get()
    running.cancel()
    assert wanted() == TYPES


async def test_what_is_known_stays_when_the_database_cannot_tell() -> None:
    wanted = Slow()
    for outcome in (None, DatabaseUnavailable()):
        reading = asyncio.create_task(wanted.refresh())
        read = await wanted.reads.get()
        if outcome is None:
            read.set_result([webhook("hold.created")])
        else:
            read.set_exception(outcome)
        await reading
    assert wanted() == {"hold.created"}
