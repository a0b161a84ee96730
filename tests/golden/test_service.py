"""The first days of a shop, as they were recorded: the same calls make the same rows, and a
database that an earlier release left is gone on with."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES
from tests.golden import jobs, service
from tests.golden.texts import DATA, as_json, recorded
from tests.support.valkey import Valkey

LIVED = (
    "service-calls.json", "service-again.json", "service-rows.json", "service-results.json",
    "service-schema.sql",
    "service-locks.json", "service-signals.json", "names.txt",
)  # fmt: skip

DONE = (
    "jobs-in-redis.json", "jobs-results.json", "jobs-signals.json", "jobs-keys.json",
    "jobs-tally.json", "webhook-messages.json", "webhook-call.json",
)  # fmt: skip


def text_of(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def as_text(content: Any) -> str:
    return content if isinstance(content, str) else as_json(content)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Valkey(tmp_path_factory.mktemp("v"))
    yield server.url
    server.kill()


@pytest.fixture(scope="module")
def lived(directory: Path, redis_url: str) -> dict[str, Any]:
    """The first days, lived once more."""
    place = directory / "lived"
    place.mkdir()
    return asyncio.run(service.lived(place, redis_url))


@pytest.fixture(scope="module")
def done(directory: Path, redis_url: str) -> dict[str, Any]:
    """The recorded jobs, done by this code."""
    place = directory / "done"
    place.mkdir()
    rows, schema = recorded("service-rows.json"), text_of("service-schema.sql")
    return asyncio.run(jobs.done(place, schema, rows, redis_url))


@pytest.mark.parametrize("name", LIVED)
def test_what_the_first_days_leave_is_the_same(lived: dict[str, Any], name: str) -> None:
    assert as_text(lived[name]) == text_of(name)


def test_calls_that_were_made_before_are_known_again(directory: Path) -> None:
    """On recorded rows: by their keys, and the tokens and cookies that were given out."""
    place = directory / "again"
    place.mkdir()
    calls, rows = recorded("service-calls.json"), recorded("service-rows.json")
    assert with_bare_keys(rows, calls) == 9
    service.laid_down(place, text_of("service-schema.sql"), rows)
    again = asyncio.run(service.known_again(place, calls))
    assert again == recorded("service-again.json")
    for each in again:
        # A call that were not known would hold, book or make something again.
        replayed = "idempotency-replayed" in each["headers"]
        assert replayed or each["status"] == 410 or each["call"].startswith("GET"), each["call"]


def test_a_repeated_call_is_answered_from_its_result_as_it_was_the_first_time(
    directory: Path,
) -> None:
    """With nothing else to answer from; and as from the rows of the release before."""
    place = directory / "results"
    place.mkdir()
    calls, results = recorded("service-calls.json"), recorded("service-results.json")
    rows = service.with_results(recorded("service-rows.json"), results)
    service.laid_down(place, text_of("service-schema.sql"), rows)
    again = asyncio.run(service.known_again(place, calls))
    assert again == recorded("service-again.json")
    first = [call for call in calls if "idempotency-key" in call["headers"]]
    repeated = [each for each in again if not each["call"].startswith("GET")]
    for call, each in zip(first, repeated, strict=True):
        before, now = call["answer"]["body"], each["body"]
        if each["call"].endswith("/holds/release"):
            before, now = (
                {**body, "version": "of the seats as they are"} for body in (before, now)
            )
        # A repeated webhook shows what it is now.
        if each["status"] != 410 and "/webhooks" not in each["call"]:
            assert (each["status"], now) == (call["answer"]["status"], before), each["call"]


def test_each_call_of_which_anything_is_left_has_a_result() -> None:
    rows, results = recorded("service-rows.json")["idempotency"], recorded("service-results.json")
    left = {(row["scope"], row["key"]) for row in rows if row["status"] != 410}
    assert {(each["scope"], each["key"]) for each in results} == left
    assert len({scope for scope, _ in left}) == 13


def with_bare_keys(rows: dict[str, Any], calls: list[dict[str, Any]]) -> int:
    """Write every other row as an earlier release did, with the key itself; how many."""
    keys = [call["headers"]["idempotency-key"] for call in calls if "idempotency-key" in
            call["headers"]]  # fmt: skip
    bare = {
        urlsafe_b64encode(sha256(key.encode()).digest()).decode().rstrip("="): key for key in keys
    }
    found = [row for row in rows["idempotency"] if row["key"] in bare][::2]
    for row in found:
        row["key"] = bare[row["key"]]
    return len(found)


@pytest.mark.parametrize("name", DONE)
def test_jobs_that_were_left_are_done_as_they_were_asked_for(
    done: dict[str, Any], name: str
) -> None:
    assert as_text(done[name]) == text_of(name)


def test_the_recorded_messages_are_of_every_type() -> None:
    types = {json.loads(body)["type"] for body in recorded("webhook-messages.json")}
    assert types == {*NEWS_TYPES, "test"}
