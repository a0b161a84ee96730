"""Whether an answer that is kept for a repeated call is one that the log can have given."""

from array import array
from bisect import bisect_left

from event_seating.booking.core.ledger import GONE_MAX, GONE_MS, Ledger
from event_seating.booking.seating import ids
from event_seating.maintenance import expected


class AnswerCheck:
    """The log as answers are compared with it: the time of each row after `base`, in order."""

    def __init__(self, event_id: str, base: int) -> None:
        self.at = array("q")
        self._event_id = event_id
        self._base = base

    def wrong(self, answer: bytes, at_ms: int, ledger: Ledger, log_at_ms: int) -> str | None:
        """What is wrong with an answer; `ledger` is as of the log's end, at `log_at_ms`."""
        at, base = self.at, self._base
        if base and (not at or at_ms < at[0]):
            return None  # from before the rows that were looked at
        place = bisect_left(at, at_ms)
        if place == len(at) or at[place] != at_ms:
            return "no row of the log was written at its time"
        said = expected.json_object(answer)
        version = said.get("version")
        if isinstance(version, int):
            if not base < version <= base + len(at):
                return f"it names version {version}, which is not in the log"
            if at[version - base - 1] != at_ms:
                return f"it names version {version}, which was written at another time"
        for name in ("holdId", "id"):
            found = ids.from_text(said[name]) if isinstance(said.get(name), str) else None
            if (
                found is not None
                and found[0] == self._event_id
                and not _knows(ledger, found[1], at_ms, log_at_ms)
            ):
                return f"it grants {said[name]}, which is not in the log"
        return None


def _knows(ledger: Ledger, key: bytes, at_ms: int, log_at_ms: int) -> bool:
    """Whether an id was given; ids that ended long ago may be forgotten."""
    if len(ledger.gone) >= GONE_MAX or at_ms <= log_at_ms - GONE_MS:
        return True
    return any(
        key in table for table in (ledger.holds, ledger.bookings, ledger.from_hold, ledger.gone)
    )
