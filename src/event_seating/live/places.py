"""How many may watch at once: in all, and from one address.

Thousands may share a carrier's address, so its share is wide; it only keeps one address from taking
every place there is.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from event_seating.live.errors import TooManyWatchers, WatchersFull
from event_seating.web.client_address import client_key


class Places:
    """The places of one process."""

    def __init__(self, total_max: int, address_max: int) -> None:
        self.taken = 0
        self.refused = 0
        self._total_max = total_max
        self._address_max = address_max
        self._by_client: Counter[int | str] = Counter()

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """A place for a client, for as long as the block lasts.

        Raises `WatchersFull` and `TooManyWatchers`.
        """
        client = client_key(address)
        if self.taken >= self._total_max:
            self.refused += 1
            raise WatchersFull
        if self._by_client[client] >= self._address_max:
            self.refused += 1
            raise TooManyWatchers
        self.taken += 1
        self._by_client[client] += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
