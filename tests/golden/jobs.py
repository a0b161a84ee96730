"""The jobs that the release before left in its outbox, done by this one.

A job process with a real Valkey is given the recorded database. What it makes of each job is
recorded: what BullMQ was handed, the result, the messages to webhooks, the signals to others.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from redis.asyncio import Redis
from sqlalchemy import insert, select

from event_seating.composition import job_services
from event_seating.db.database import Database
from event_seating.db.tables import outbox
from event_seating.webhooks.sender import CallOutcome, Sender
from tests.golden.redis import hearing, jobs_in, keys_in
from tests.golden.service import LATER_MS, dumped, laid_down, only, quiet
from tests.golden.stillness import still

CANCELS = "cancel-event"
WITHIN_S = 60.0
"""Far more than it takes, for a machine that has other things to do."""

_LEFT = select(outbox.c.name, outbox.c.error)


async def done(
    directory: Path, schema: str, rows: Mapping[str, Any], redis_url: str
) -> dict[str, Any]:
    """The records of a job process that found these rows.

    What winds an event up comes last, since other jobs tell of bookings as they then are.
    """
    later = [row for row in rows["outbox"] if row["name"] == CANCELS]
    first = [row for row in rows["outbox"] if row["name"] != CANCELS]
    laid_down(directory, schema, {**rows, "outbox": first})
    with still(LATER_MS), only(data_dir=directory, redis_url=redis_url) as settings:
        with quiet(settings), calls_of_receivers() as sent:
            async with (
                hearing(redis_url) as heard,
                Redis.from_url(redis_url, decode_responses=True) as redis,
                job_services.working(settings) as parts,
                AsyncExitStack() as stack,
            ):
                database = Database(settings.database)
                stack.push_async_callback(database.close)
                await _emptied(database)
                async with database.write() as connection:
                    await connection.execute(insert(outbox), later)
                parts.engine.nudge()
                await _emptied(database)
                await parts.drain()
                in_redis = await jobs_in(redis)
                keys = await keys_in(redis)
                tally = await redis.hkeys("event-seating:jobs:tally")
        after = dumped(directory)
    results = {(row["queue"], row["name"], row["result"]) for row in after["job_results"]}
    assert {row["status"] for row in after["webhook_deliveries"]} == {"delivered"}
    there = {row["id"] for row in rows["webhook_deliveries"]}
    calls = [call for call in sent if call[1]["webhook-id"] in there]
    return {
        "jobs-in-redis.json": in_redis,
        "jobs-results.json": [
            {"queue": queue, "name": name, "result": result}
            for queue, name, result in sorted(results)
        ],
        "jobs-signals.json": [list(each) for each in sorted(heard)],
        "jobs-keys.json": keys,
        "jobs-tally.json": sorted(each for each in tally if "|time|" not in each),
        "webhook-messages.json": sorted({body for _, _, body in sent}),
        "webhook-call.json": calls,
    }


@contextmanager
def calls_of_receivers() -> Iterator[list[list[Any]]]:
    """What receivers are sent, who take everything."""
    sent: list[list[Any]] = []

    async def send(_sender: Sender, url: str, headers: Mapping[str, str], body: str) -> CallOutcome:
        sent.append([url, dict(headers), body])
        return CallOutcome(status=204)

    with patch.object(Sender, "send", send):
        yield sent


async def _emptied(database: Database) -> None:
    """Wait until every job is done."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with database.read() as connection:
                left = (await connection.execute(_LEFT)).all()
            if not left:
                return
            given_up = [(row.name, row.error) for row in left if row.error is not None]
            assert not given_up, given_up
            await asyncio.sleep(0.02)
