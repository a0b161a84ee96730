"""Checks that the answers stored for repeated calls agree with the log."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from event_seating.booking.core import results
from event_seating.booking.core.ledger import TOMBSTONE_TTL_MS, TOMBSTONES_MAX, Ledger
from event_seating.booking.core.results import BookingResult, BrokenResultError, HoldResult
from event_seating.booking.seat_log.ports import GONE
from event_seating.booking.seating import ids
from event_seating.maintenance import expected


class Kept(NamedTuple):
    """What is stored for one call: the answer that the release before reads, and the result."""

    status: int
    answer: bytes
    at_ms: int
    result: bytes | None
    result_format: int | None


class _Said(NamedTuple):
    """The version and the granted ids that an answer or result names."""

    version: int | None
    ids: Sequence[str] = ()


class AnswerCheck:
    """What answers are compared with: the time of each log row after `base`, in order."""

    def __init__(self, event_id: str, base: int) -> None:
        self.at = array("q")
        self._event_id = event_id
        self._base = base

    def wrong(self, kept: Kept, ledger: Ledger, log_at_ms: int) -> str | None:
        """What is wrong with a stored answer; `ledger` is as of the end of the log, `log_at_ms`."""
        at, at_ms = self.at, kept.at_ms
        if self._base and (not at or at_ms < at[0]):
            return None  # older than the checked rows
        place = bisect_left(at, at_ms)
        if place == len(at) or at[place] != at_ms:
            return "no row of the log was written at its time"
        try:
            result = self._said_by_result(kept)
        except BrokenResultError as error:
            return str(error)
        for said in (_said_by_answer(kept.answer), result):
            wrong = self._wrong(said, at_ms, ledger, log_at_ms)
            if wrong is not None:
                return wrong
        return None

    def _wrong(self, said: _Said, at_ms: int, ledger: Ledger, log_at_ms: int) -> str | None:
        at, base, version = self.at, self._base, said.version
        if version is not None:
            if not base < version <= base + len(at):
                return f"it names version {version}, which is not in the log"
            if at[version - base - 1] != at_ms:
                return f"it names version {version}, which was written at another time"
        for name in said.ids:
            found = ids.from_text(name)
            if (
                found is not None
                and found[0] == self._event_id
                and not _knows(ledger, found[1], at_ms, log_at_ms)
            ):
                return f"it grants {name}, which is not in the log"
        return None

    def _said_by_result(self, kept: Kept) -> _Said:
        """What the result names; nothing where the release before overwrote the rest of the row."""
        if kept.result is None or kept.status == GONE:
            return _Said(None)
        match results.decode(kept.result_format, kept.result):
            case found if found is None or found.at_ms != kept.at_ms:
                return _Said(None)
            case (
                HoldResult(version=version, hold=key) | BookingResult(version=version, booking=key)
            ):
                return _Said(version, [ids.to_text(self._event_id, key)])
            case found:
                return _Said(found.version)


def _said_by_answer(answer: bytes) -> _Said:
    body = expected.json_object(answer)
    version = body.get("version")
    names = [body[name] for name in ("holdId", "id") if isinstance(body.get(name), str)]
    return _Said(version if isinstance(version, int) else None, names)


def _knows(ledger: Ledger, key: bytes, at_ms: int, log_at_ms: int) -> bool:
    """Whether an id was granted; ids that ended long ago may have been forgotten."""
    if len(ledger.tombstones) >= TOMBSTONES_MAX or at_ms <= log_at_ms - TOMBSTONE_TTL_MS:
        return True
    return any(
        key in table
        for table in (ledger.holds, ledger.bookings, ledger.booking_of_hold, ledger.tombstones)
    )
