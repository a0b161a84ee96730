"""What was signed, locked, told or archived before: it is made again, and it is believed."""

import gzip
import hmac
from base64 import b64decode, b64encode
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from event_seating.booking.api.buyer_cookie import Buyers, Cookie
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seating.ids import Tokens, from_text
from event_seating.clock import SystemClock
from event_seating.jobs import tally
from event_seating.jobs.tally import OutcomeCount
from event_seating.maintenance import archive_file
from event_seating.valkey.signals import CACHE, EVENTS, OUTBOX, USERS, WEBHOOKS, Signals
from tests.golden import signed
from tests.golden.texts import DATA, of_lines, recorded
from tests.support.valkey import Valkey
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

ANOTHER = "0123456789abcdef"


def test_what_is_signed_is_signed_as_it_was() -> None:
    assert signed.signed() == recorded("signed.json")


def test_what_was_signed_is_believed() -> None:
    record = recorded("signed.json")
    buyers, tokens = Buyers(signed.SECRET, secure=True), Tokens(signed.SECRET)
    name = record["buyer"]
    assert buyers.known(record["cookie"]) == Cookie(name, signed.BORN_MS)
    assert buyers.known(record["cookie of an earlier release"]) == Cookie(name, 0)
    assert tokens.read(record["token"]) == (signed.EVENT, signed.KEY)
    assert from_text(record["hold"]) == (signed.EVENT, signed.KEY)


@pytest.mark.parametrize("number", [0, 1])
def test_a_receiver_with_either_secret_believes_the_recorded_call(number: int) -> None:
    headers = recorded("signed.json")["webhook"]
    secret = b64decode(signed.KEYS[number].removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{signed.BODY}"
    expected = b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()
    assert headers["webhook-signature"].split(" ")[number] == f"v1,{expected}"


async def test_the_locks_are_the_same() -> None:
    assert await signed.locks() == recorded("locks.json")


async def test_an_archive_is_written_as_it_was(tmp_path: Path) -> None:
    assert await signed.archive(tmp_path) == archived()


def test_an_archive_that_was_written_before_is_read(tmp_path: Path) -> None:
    name, _, lines = archived().partition("\n")
    (tmp_path / name).write_bytes(gzip.compress(lines.encode()))
    *rows, end = archive_file.read(tmp_path / name)
    assert end == archive_file.check(tmp_path / name)
    log = recorded("log-2-image-3.json")
    assert rows == [
        BatchRow(row["version"], bytes([row["version"]] * 16), log["log_format"],
               of_lines(row["entries"]), row["at_ms"])
        for row in log["rows"][:3]
    ]  # fmt: skip


def archived() -> str:
    return (DATA / "archive-1.txt").read_text(encoding="utf-8")


async def test_what_another_process_says_is_heard_and_what_it_counted_is_read(
    valkey: Valkey,
) -> None:
    """Beside this process there may be one of another release: while they are replaced."""
    heard: list[tuple[str, str]] = []

    def hear(channel: str) -> None:
        signals.listen(channel, lambda message: heard.append((channel, message)))

    signals = Signals(valkey.url, SystemClock())
    for channel in (USERS, CACHE, OUTBOX, WEBHOOKS, EVENTS):
        hear(channel)
    said = [*recorded("service-signals.json"), *recorded("jobs-signals.json")]
    counted = recorded("jobs-tally.json")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(signals.aclose)
        redis = Redis.from_url(valkey.url, decode_responses=True)
        stack.push_async_callback(redis.aclose)
        await signals.start()
        await until(lambda: signals.connected)
        for channel, message in said:
            await redis.publish(channel, message.replace("<process>", ANOTHER))
        for number, field in enumerate(counted):
            await redis.hincrby("event-seating:jobs:tally", field, number)
        await until(lambda: len(heard) == len(said), within_s=10)
        found = await tally.read(redis)
    assert heard == [meant(*each) for each in said]
    assert found.attempts == [
        OutcomeCount(*field.split("|outcome|")[0].split("|"), "done", number)
        for number, field in enumerate(counted)
    ]


def meant(channel: str, message: str) -> tuple[str, Any]:
    return channel.removeprefix("event-seating:0:"), message.partition(" ")[2]
