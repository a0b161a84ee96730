"""Logs and images as earlier code wrote them: each still gives the state that it gave then."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from tests.unit.booking.houses import one_row

from event_seating.booking.entries import decode
from event_seating.booking.model import SeatStates

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def test_there_are_recordings() -> None:
    assert [path.stem for path in RECORDED] == ["log-1-image-2"]


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def seen(states: SeatStates) -> dict[str, Any]:
    states.check()
    gone = states.ledger.gone.items()
    return {
        "characters": states.characters().decode(),
        "counts": states.counts(),
        "holds": sorted(key.decode() for key in states.ledger.holds),
        "bookings": sorted(key.decode() for key in states.ledger.bookings),
        "gone": {
            key.decode(): [record.ending, record.booking.decode() if record.booking else None]
            for key, record in gone
        },
    }


def replayed(recorded: dict[str, Any]) -> SeatStates:
    states = SeatStates.new(one_row(**recorded["map"]))
    for row in recorded["rows"]:
        entries = decode(recorded["log_format"], b64decode(row["entries"]))
        states.apply(row["version"], row["at_ms"], entries)
    return states


def test_a_recorded_log_gives_the_state_that_it_gave_then(recorded: dict[str, Any]) -> None:
    assert seen(replayed(recorded)) == recorded["after"]


def test_a_recorded_image_is_the_state_of_its_log(recorded: dict[str, Any]) -> None:
    loaded = SeatStates.load(one_row(**recorded["map"]), b64decode(recorded["image"]))
    assert seen(loaded) == recorded["after"]
    assert loaded.version == len(recorded["rows"])
    again = SeatStates.load(one_row(**recorded["map"]), loaded.dump())
    assert seen(again) == recorded["after"]


def test_each_change_of_a_hold_in_an_old_log_raised_its_revision(recorded: dict[str, Any]) -> None:
    states = SeatStates.new(one_row(**recorded["map"]))
    revisions = {}
    for row in recorded["rows"]:
        entries = decode(recorded["log_format"], b64decode(row["entries"]))
        states.apply(row["version"], row["at_ms"], entries)
        revisions |= {key.decode(): hold.revision for key, hold in states.ledger.holds.items()}
    assert revisions == {name * 8: 1 for name in ("h2", "h3", "h4", "h5")} | {"h1" * 8: 2}


def test_lines_of_old_rows_that_name_no_ticket_type_are_standard(recorded: dict[str, Any]) -> None:
    states = replayed(recorded)
    records = [*states.ledger.holds.values(), *states.ledger.bookings.values()]
    lines = [line for record in records for line in states.lines(record.groups)]
    assert lines
    if recorded["log_format"] == 1:
        assert {line.ticket_type for line in lines} <= {"standard", "reduced"}
        assert any(group.ticket_type is None for each in records for group in each.groups)
    configuration = states.configuration
    assert configuration is not None
    assert configuration.ticket_types is None
    assert configuration.default_ticket_type is None
