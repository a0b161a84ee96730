"""When holds run out, the earliest first.

Most holds of one row of the log run out at the same moment, and most are released or booked before
that. So the ids are kept in a list for each moment, and an id is not removed when its hold ends or
is extended: it is skipped when it comes first, and the lists are rebuilt when too many have piled
up.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Final

from event_seating.booking.core.records import Hold

SPARE: Final = 1_024
"""How far the noted ids may exceed twice the number of holds."""


class Expiries:
    """The moments at which holds run out; reads the table of holds and never changes it."""

    __slots__ = ("_holds", "_ids", "_moments", "_noted")

    def __init__(self, holds: Mapping[bytes, Hold]) -> None:
        self._holds = holds
        self._moments: list[int] = []
        """A heap of the keys of `_ids`."""
        self._ids: dict[int, list[bytes]] = {}
        self._noted = 0

    def __len__(self) -> int:
        """How many ids are noted, including those of holds that ended or moved."""
        return self._noted

    def note(self, hold: Hold) -> None:
        """Note when a hold runs out that was put into the table, or got another end."""
        expires_ms = hold.expires_ms
        ids = self._ids.get(expires_ms)
        if ids is None:
            self._ids[expires_ms] = [hold.id]
            heappush(self._moments, expires_ms)
        else:
            ids.append(hold.id)
        self._noted += 1
        if self._noted > 2 * len(self._holds) + SPARE:
            self._rebuild()

    def first(self) -> Hold | None:
        """The hold that runs out first, any of several at the same time; `None` without holds."""
        while self._moments:
            expires_ms = self._moments[0]
            ids = self._ids[expires_ms]
            while ids:
                hold = self._holds.get(ids[-1])
                if hold is not None and hold.expires_ms == expires_ms:
                    return hold
                ids.pop()
                self._noted -= 1
            del self._ids[expires_ms]
            heappop(self._moments)
        return None

    def _rebuild(self) -> None:
        self._ids = {}
        for hold in self._holds.values():
            self._ids.setdefault(hold.expires_ms, []).append(hold.id)
        self._moments = list(self._ids)
        heapify(self._moments)
        self._noted = len(self._holds)
