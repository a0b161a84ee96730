"""When holds run out, the earliest first.

Most holds of a row of the log run out at the same moment, and most are given back or booked before:
so it keeps a list of ids for each moment, and does not look for the one that went. Who is no longer
there, or runs out later, is left out when met, and all of them when they are too many.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Final

from event_seating.booking.core.records import Hold

SPARE: Final = 1_024
"""Ids that may pile up beyond twice the holds that are there."""


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
        """How many are noted, those that are no longer there too."""
        return self._noted

    def note(self, hold: Hold) -> None:
        """A hold that is in the table, or has another end than before."""
        expires_ms = hold.expires_ms
        ids = self._ids.get(expires_ms)
        if ids is None:
            self._ids[expires_ms] = [hold.id]
            heappush(self._moments, expires_ms)
        else:
            ids.append(hold.id)
        self._noted += 1
        if self._noted > 2 * len(self._holds) + SPARE:
            self._begin_anew()

    def first(self) -> Hold | None:
        """The hold that runs out first, one of them among equals; `None` when there is none."""
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

    def _begin_anew(self) -> None:
        self._ids = {}
        for hold in self._holds.values():
            self._ids.setdefault(hold.expires_ms, []).append(hold.id)
        self._moments = list(self._ids)
        heapify(self._moments)
        self._noted = len(self._holds)
