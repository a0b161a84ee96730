"""An event as an entry for people's calendars (RFC 5545).

Its time is in the zone of the event, and the file defines that zone for the months around it: a
calendar that does not know the zone shows the right hour all the same, and one that knows it
follows the rules that apply when the day comes. Pure.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from icalendar import (
    Calendar,
    Component,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
)

from event_seating.clock import MS_PER_S
from event_seating.mail.message import CalendarFile

PRODUCT: Final = "-//Event Seating//EN"

AROUND: Final = timedelta(days=200)
"""How far the zone is defined before and after the event: at least one change on either side where
there is summer time."""

STEP: Final = timedelta(days=1)
"""Two changes of a zone within a day would be missed; there was never such a zone."""

LASTS: Final = timedelta(hours=2)
"""The length of the entry, since an event has no end. Without a length some calendars show a moment
and some a whole day; most events need about this much."""

_SECOND: Final = timedelta(seconds=1)


class CalendarEntry(NamedTuple):
    """The content of an entry."""

    uid: str
    """The same for the same booking: a newer one replaces it."""
    sequence: int
    """Grows with each change."""
    starts_at_ms: int
    zone: ZoneInfo
    summary: str
    location: str
    description: str
    cancelled: bool = False
    """Whether it takes the entry out of the calendar again."""


def calendar(entry: CalendarEntry, now_ms: int) -> CalendarFile:
    """The entry as a file."""
    starts_at = datetime.fromtimestamp(entry.starts_at_ms // MS_PER_S, entry.zone)
    if _happens_twice(starts_at):  # no local time says which of the two it is
        starts_at = starts_at.astimezone(UTC)
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", datetime.fromtimestamp(now_ms // MS_PER_S, UTC))
    event.add("dtstart", starts_at)
    event.add("duration", LASTS)
    event.add("summary", entry.summary)
    event.add("location", entry.location)
    event.add("description", entry.description)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    file = Calendar()
    file.add("prodid", PRODUCT)
    file.add("version", "2.0")
    method = "CANCEL" if entry.cancelled else "PUBLISH"
    file.add("method", method)
    if starts_at.tzinfo is entry.zone and entry.zone.key != "UTC":
        file.add_component(_zone(entry.zone, starts_at))
    file.add_component(event)
    return CalendarFile(bytes(file.to_ical()), method)


def _zone(zone: ZoneInfo, moment: datetime) -> Timezone:
    begin = moment.astimezone(UTC) - AROUND
    changes = [begin, *_changes(zone, begin, begin + 2 * AROUND)]
    lowest = min(_offset(change.astimezone(zone)) for change in changes)
    definition = Timezone()
    definition.add("tzid", zone.key)
    definition.add_component(_observance(zone, begin, begin, lowest))
    for change in changes[1:]:
        definition.add_component(_observance(zone, change - _SECOND, change, lowest))
    return definition


def _observance(zone: ZoneInfo, before: datetime, since: datetime, lowest: timedelta) -> Component:
    """The rule of the zone from that moment on.

    Whatever is ahead of the `lowest` offset is summer time. By law the exception is the winter in
    Dublin and Ramadan in Casablanca, which calendars do not expect.
    """
    old, new = before.astimezone(zone), since.astimezone(zone)
    ahead = _offset(new) > lowest
    observance: Component = TimezoneDaylight() if ahead else TimezoneStandard()
    # By the clock as it was before it was changed.
    observance.add("dtstart", (since + _offset(old)).replace(tzinfo=None))
    observance.add("tzoffsetfrom", _offset(old))
    observance.add("tzoffsetto", _offset(new))
    observance.add("tzname", new.tzname())
    return observance


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "a zone has an offset"
    return offset


def _happens_twice(local: datetime) -> bool:
    """Whether the clock shows this time again, after it was put back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The moments in which the zone's clock is changed."""
    while begin < end:
        following = begin + STEP
        if _clock(zone, begin) != _clock(zone, following):
            before, after = begin, following
            while after - before > _SECOND:
                middle = before + (after - before) // 2
                middle = middle.replace(microsecond=0)
                if _clock(zone, middle) == _clock(zone, begin):
                    before = middle
                else:
                    after = middle
            yield after
        begin = following


def _clock(zone: ZoneInfo, moment: datetime) -> tuple[timedelta | None, str | None]:
    local = moment.astimezone(zone)
    return local.utcoffset(), local.tzname()
