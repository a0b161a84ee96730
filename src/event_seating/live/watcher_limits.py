"""How many clients may watch at once: in total, and from one address.

Thousands of people may share a carrier's address, so the limit for an address is high; it only
keeps one address from using up the total.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from event_seating.live.errors import TooManyWatchers, WatchersFull
from event_seating.web.client_address import client_key


class WatcherLimits:
    """Counts the watchers of one process."""

    def __init__(self, total_max: int, address_max: int) -> None:
        self.watching = 0
        self.refused = 0
        """Clients that were not admitted, since the start."""
        self._total_max = total_max
        self._address_max = address_max
        self._by_client: Counter[int | str] = Counter()

    @contextmanager
    def admit(self, address: str) -> Iterator[None]:
        """Count a client as a watcher while the block runs.

        Raises `WatchersFull` and `TooManyWatchers`.
        """
        client = client_key(address)
        if self.watching >= self._total_max:
            self.refused += 1
            raise WatchersFull
        if self._by_client[client] >= self._address_max:
            self.refused += 1
            raise TooManyWatchers
        self.watching += 1
        self._by_client[client] += 1
        try:
            yield
        finally:
            self.watching -= 1
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
