"""Which slot belongs to which client: a chained hash table over packed arrays.

Owns the numbering of the clients that a limiter remembers. A dict of slots is faster by a tenth of
a microsecond, but its memory hangs on luck: where a bounded set changes all the time, as under an
attack from many addresses, CPython makes room for three times the members, so that 100,000 clients
cost 105 bytes each in the dict and 28 in slot numbers. Here it is about 20 bytes for each, always,
and nothing is ever rehashed, so no request waits for a table to grow. It never looks at times.
"""

import secrets
from array import array
from collections.abc import Hashable
from typing import Final

SEED_BITS: Final = 60
"""Places are drawn with a secret, so that nobody can choose addresses that share one chain."""

NOBODY: Final = -1
"""Where a slot number is expected: there is none."""


class _Free:
    """What stands in a slot that belongs to no client; equal to nothing that a caller can send."""


_FREE: Final = _Free()


class ClientSlots:
    """Numbers 0, 1, 2, … for at most `slots_max` clients; a number that was given up is reused."""

    def __init__(self, slots_max: int) -> None:
        places = 1 << (slots_max - 1).bit_length()
        self.slots_max = slots_max
        self._mask = places - 1
        self._seed = secrets.randbits(SEED_BITS)
        self._first = array("i", (NOBODY,)) * places  # 4 bytes a place: the one thing made up front
        self._next = array("i")  # the next slot in the same chain, or in the chain of free ones
        self._clients: list[Hashable] = []
        self._free = NOBODY
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def ever_used(self) -> int:
        """How many numbers were given out so far, free ones included."""
        return len(self._clients)

    def is_full(self) -> bool:
        """Whether a client must go before another can come."""
        return self._count == self.slots_max

    def is_taken(self, slot: int) -> bool:
        """Whether this number, below `ever_used`, belongs to a client."""
        return self._clients[slot] is not _FREE

    def find(self, client: Hashable) -> int:
        """The client's number, or `NOBODY`."""
        clients = self._clients
        slot = self._first[hash((self._seed, client)) & self._mask]
        while slot >= 0 and clients[slot] != client:
            slot = self._next[slot]
        return slot

    def add(self, client: Hashable) -> int:
        """A number for a client that has none; there must be room."""
        if self._free == NOBODY:
            slot = len(self._clients)
            self._clients.append(client)
            self._next.append(NOBODY)
        else:
            slot = self._free
            self._free = self._next[slot]
            self._clients[slot] = client
        place = hash((self._seed, client)) & self._mask
        self._next[slot] = self._first[place]
        self._first[place] = slot
        self._count += 1
        return slot

    def remove(self, slot: int) -> None:
        """Give up a number that is taken; whoever asks next may get it."""
        place = hash((self._seed, self._clients[slot])) & self._mask
        before = self._first[place]
        if before == slot:
            self._first[place] = self._next[slot]
        else:
            while self._next[before] != slot:
                before = self._next[before]
            self._next[before] = self._next[slot]
        self._clients[slot] = _FREE
        self._next[slot] = self._free
        self._free = slot
        self._count -= 1
