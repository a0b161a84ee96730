"""An entry for calendars: its time is right wherever it is read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from icalendar import Calendar, Component

from event_seating.mail.calendar_entry import CalendarEntry, calendar
from event_seating.mail.message import CalendarFile

NOW_MS = 1_790_000_000_000


def at(zone: str, *when: int) -> int:
    return int(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()) * 1000  # type: ignore[arg-type, misc]


def entry(zone: str, starts_at_ms: int, **changed: Any) -> CalendarEntry:
    given: dict[str, Any] = {
        "uid": "b1@example.com",
        "sequence": 7,
        "summary": "Concert",
        "location": "Hall",
        "description": "Row 1",
    }
    return CalendarEntry(starts_at_ms=starts_at_ms, zone=ZoneInfo(zone), **{**given, **changed})


def read(made: CalendarFile) -> tuple[Component, Component | None]:
    file = Calendar.from_ical(made.content)
    assert made.method == file["METHOD"]
    assert (file["METHOD"], file["VERSION"]) == ("PUBLISH", "2.0")
    (event,) = file.walk("VEVENT")
    zones = file.walk("VTIMEZONE")
    return event, zones[0] if zones else None


def by_definition(zone: Component, local: datetime) -> timedelta:
    """The offset that a calendar finds which knows the zone from the file alone (RFC 5545)."""
    rules = [rule for rule in zone.subcomponents if rule["DTSTART"].dt <= local]
    return max(rules, key=lambda rule: rule["DTSTART"].dt)["TZOFFSETTO"].td  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("zone", "when"),
    [
        ("Europe/Berlin", (2027, 6, 1, 20, 0)),
        ("Europe/Berlin", (2027, 12, 31, 23, 30)),
        ("Europe/Berlin", (2027, 3, 28, 1, 59)),
        ("Europe/Berlin", (2027, 3, 28, 3, 0)),
        ("Europe/Berlin", (2027, 10, 31, 1, 59)),
        ("Europe/Berlin", (2027, 10, 31, 3, 0)),
        ("America/New_York", (2027, 11, 7, 3, 0)),
        ("Australia/Lord_Howe", (2027, 4, 4, 12, 0)),
        ("Asia/Kathmandu", (2027, 1, 1, 19, 45)),
        ("Africa/Casablanca", (2027, 2, 20, 20, 0)),
        ("Africa/Casablanca", (2027, 6, 20, 20, 0)),
        ("Europe/Dublin", (2027, 1, 15, 20, 0)),
        ("Europe/Dublin", (2027, 7, 1, 20, 0)),
        ("Australia/Lord_Howe", (2027, 10, 3, 3, 0)),
        ("Pacific/Apia", (2011, 12, 31, 20, 0)),
        ("Europe/Berlin", (2099, 7, 1, 20, 0)),
        ("Europe/Berlin", (9998, 12, 31, 20, 0)),
        ("Europe/Dublin", (1970, 1, 2, 20, 0)),
    ],
)
def test_the_hour_is_the_events_with_the_zone_known_or_not(
    zone: str, when: tuple[int, ...]
) -> None:
    starts_at_ms = at(zone, *when)
    event, definition = read(calendar(entry(zone, starts_at_ms), NOW_MS))
    start = event["DTSTART"]
    assert start.params["TZID"] == zone
    assert start.dt.timestamp() * 1000 == starts_at_ms
    local = start.dt.replace(tzinfo=None)
    assert local.timetuple()[: len(when)] == when
    assert definition is not None
    assert definition["TZID"] == zone
    assert by_definition(definition, local) == start.dt.utcoffset()


def test_every_zone_of_the_world_can_be_written() -> None:
    moment = datetime(2027, 6, 1, 18, tzinfo=UTC)
    for zone in sorted(available_timezones() - {"UTC"}):
        event, definition = read(calendar(entry(zone, int(moment.timestamp()) * 1000), NOW_MS))
        local = moment.astimezone(ZoneInfo(zone))
        assert event["DTSTART"].dt == local, zone
        assert definition is not None
        assert by_definition(definition, local.replace(tzinfo=None)) == local.utcoffset(), zone


def test_a_change_is_told_by_the_clock_before_it() -> None:
    _, definition = read(calendar(entry("Europe/Berlin", at("Europe/Berlin", 2027, 6, 1)), NOW_MS))
    assert definition is not None
    changes = {
        rule["DTSTART"].to_ical(): (rule.name, rule["TZNAME"])
        for rule in definition.subcomponents[1:]
    }
    assert changes == {
        b"20270328T020000": ("DAYLIGHT", "CEST"),
        b"20271031T030000": ("STANDARD", "CET"),
    }


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [("Europe/Dublin", "IST", "GMT"), ("Africa/Casablanca", "+01", "+00")],
)
def test_summer_time_is_what_is_ahead_whatever_the_law_calls_it(
    zone: str, summer: str, winter: str
) -> None:
    _, definition = read(calendar(entry(zone, at(zone, 2027, 2, 1)), NOW_MS))
    assert definition is not None
    called = {(rule.name, rule["TZNAME"]) for rule in definition.subcomponents}
    assert called == {("DAYLIGHT", summer), ("STANDARD", winter)}


@pytest.mark.parametrize("fold", [0, 1])
def test_a_time_that_the_clock_shows_twice_is_the_one_that_is_meant(fold: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    moment = datetime(2027, 10, 31, 2, 30, tzinfo=zone, fold=fold)
    event, _ = read(calendar(entry(zone.key, int(moment.timestamp()) * 1000), NOW_MS))
    assert event["DTSTART"].to_ical() == moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ").encode()


def test_the_time_of_an_evening_is_kept_free_though_the_clock_changes_in_it() -> None:
    zone = ZoneInfo("Europe/Berlin")
    for when in ((2027, 6, 1, 20, 0), (2027, 3, 28, 1, 30)):
        event, _ = read(calendar(entry(zone.key, at(zone.key, *when)), NOW_MS))
        assert event["DURATION"].dt == timedelta(hours=2)
        assert "DTEND" not in event, "two ends are one too many (RFC 5545)"


def test_utc_needs_no_definition() -> None:
    event, definition = read(calendar(entry("UTC", at("UTC", 2027, 6, 1, 20)), NOW_MS))
    assert definition is None
    assert event["DTSTART"].to_ical() == b"20270601T200000Z"


def test_any_text_stays_in_its_field() -> None:
    text = 'A, b; c\\n "d"\nEND:VEVENT\r\nATTENDEE:mailto:eve@example.com ' + "ü" * 300
    made = calendar(
        entry("UTC", NOW_MS, summary=text, location=text, description=text, uid="x@y"), NOW_MS
    )
    event, _ = read(made)
    plain = text.replace("\r\n", "\n")
    assert [event[name] for name in ("SUMMARY", "LOCATION", "DESCRIPTION")] == [plain] * 3
    assert "ATTENDEE" not in event
    assert max(map(len, made.content.split(b"\r\n"))) <= 75


def test_a_cancelled_entry_has_the_method_that_takes_it_out_of_the_calendar() -> None:
    made = calendar(entry("UTC", NOW_MS, cancelled=True), NOW_MS)
    assert made.method == Calendar.from_ical(made.content)["METHOD"] == "CANCEL"


def test_a_later_version_replaces_the_one_before() -> None:
    event, _ = read(calendar(entry("UTC", NOW_MS), NOW_MS))
    assert (event["UID"], event["SEQUENCE"]) == ("b1@example.com", 7)
    assert event["DTSTAMP"].dt == datetime.fromtimestamp(NOW_MS / 1000, UTC)
