"""Logs and images as this and earlier code wrote them: each still gives the state that it gave."""

from base64 import b64decode
from typing import Any

import msgspec
import pytest

from event_seating.booking.core.log_entries import decode, encode
from event_seating.booking.core.seat_state import SeatStates
from tests.golden import log
from tests.golden.log import kept, seen
from tests.golden.texts import DATA, of_lines, recorded
from tests.support.seat_states import lines_of, one_row

WRITTEN_NOW = "log-2-image-3"
RECORDED = ["log-1-image-2", WRITTEN_NOW]


def test_every_recording_is_held_against_this_code() -> None:
    assert sorted(path.stem for path in DATA.glob("log-*.json")) == RECORDED


@pytest.fixture(params=RECORDED)
def record(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = recorded(f"{request.param}.json")
    return found


@pytest.fixture
def old() -> dict[str, Any]:
    """What the first form of a row had not got yet has a default."""
    found: dict[str, Any] = recorded("log-1-image-2.json")
    return found


def stored(content: str | list[str]) -> bytes:
    """The first recording is in base64."""
    return b64decode(content) if isinstance(content, str) else of_lines(content)


def replayed(record: dict[str, Any]) -> SeatStates:
    states = SeatStates.new(one_row(**record["map"]))
    for row in record["rows"]:
        entries = decode(record["log_format"], stored(row["entries"]))
        states.apply(row["version"], row["at_ms"], entries)
    return states


def test_a_recorded_log_gives_the_state_that_it_gave_then(record: dict[str, Any]) -> None:
    states = replayed(record)
    assert seen(states) == record["after"]
    if "kept" in record:
        assert kept(states) == record["kept"]


def test_a_recorded_image_is_the_state_of_its_log(record: dict[str, Any]) -> None:
    loaded = SeatStates.load(one_row(**record["map"]), stored(record["image"]))
    assert seen(loaded) == record["after"]
    assert loaded.version == len(record["rows"])
    again = SeatStates.load(one_row(**record["map"]), loaded.dump())
    assert seen(again) == record["after"]
    if "kept" in record:
        assert kept(loaded) == record["kept"]
        assert loaded.dump() == stored(record["image"])


def test_rows_and_image_are_written_as_they_were() -> None:
    assert log.made() == recorded(f"{WRITTEN_NOW}.json")


def test_a_row_that_was_read_is_written_as_it_was() -> None:
    for row in recorded(f"{WRITTEN_NOW}.json")["rows"]:
        assert encode(decode(2, stored(row["entries"]))) == stored(row["entries"])


def test_the_recordings_have_every_operation_that_their_form_knows(record: dict[str, Any]) -> None:
    tags = {
        operation[0]
        for row in record["rows"]
        for _actor, operations in msgspec.msgpack.decode(stored(row["entries"]))
        for operation in operations
    }
    assert tags == set(range(1, 12 if record["log_format"] == 1 else 14))


def test_each_change_of_a_hold_in_an_old_log_raised_its_revision(old: dict[str, Any]) -> None:
    states = SeatStates.new(one_row(**old["map"]))
    revisions = {}
    for row in old["rows"]:
        entries = decode(old["log_format"], stored(row["entries"]))
        states.apply(row["version"], row["at_ms"], entries)
        revisions |= {key.decode(): hold.revision for key, hold in states.ledger.holds.items()}
    assert revisions == {name * 8: 1 for name in ("h2", "h3", "h4", "h5")} | {"h1" * 8: 2}


def test_lines_of_old_rows_that_name_no_ticket_type_are_standard(old: dict[str, Any]) -> None:
    states = replayed(old)
    records = [*states.ledger.holds.values(), *states.ledger.bookings.values()]
    lines = [line for record in records for line in lines_of(states, record.groups)]
    assert lines
    assert {line.ticket_type for line in lines} <= {"standard", "reduced"}
    assert any(group.ticket_type is None for each in records for group in each.groups)
    configuration = states.configuration
    assert configuration is not None
    assert configuration.ticket_types is None
    assert configuration.default_ticket_type is None
