"""Which slot belongs to which client: a chained hash table over packed arrays.

Owns the numbering of the clients that a limiter remembers. A dict of slots is faster by a tenth of
a microsecond, but its memory is not predictable: if a bounded set changes all the time, as in an
attack from many addresses, CPython makes room for three times the members, so that 100,000 clients
cost 105 bytes each in the dict and 28 in slot numbers. This table always takes about 20 bytes for
each, and is never rehashed, so no request waits for a table to grow. It knows nothing about times.
"""

import secrets
from array import array
from collections.abc import Hashable
from typing import Final

SEED_BITS: Final = 60
"""The hash is seeded with a secret, so that nobody can choose addresses that share one chain."""

NO_SLOT: Final = -1
"""Stands for the number of a slot where there is none."""


class _Free:
    """Marks a slot that belongs to no client; equal to nothing that a caller can pass."""


_FREE: Final = _Free()


class ClientSlots:
    """Numbers 0, 1, 2, … for at most `slots_max` clients; released numbers are reused."""

    def __init__(self, slots_max: int) -> None:
        buckets = 1 << (slots_max - 1).bit_length()
        self.slots_max = slots_max
        self._mask = buckets - 1
        self._seed = secrets.randbits(SEED_BITS)
        self._first = (
            array("i", (NO_SLOT,)) * buckets
        )  # 4 bytes a bucket: the only memory allocated in advance
        self._next = array("i")  # the next slot in the same chain, or in the chain of free ones
        self._clients: list[Hashable] = []
        self._free = NO_SLOT
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def ever_used(self) -> int:
        """How many numbers were assigned so far, including free ones."""
        return len(self._clients)

    def is_full(self) -> bool:
        """Whether a client must be removed before another can be added."""
        return self._count == self.slots_max

    def is_taken(self, slot: int) -> bool:
        """Whether this number, below `ever_used`, belongs to a client."""
        return self._clients[slot] is not _FREE

    def find(self, client: Hashable) -> int:
        """The client's number, or `NO_SLOT`."""
        clients = self._clients
        slot = self._first[hash((self._seed, client)) & self._mask]
        while slot >= 0 and clients[slot] != client:
            slot = self._next[slot]
        return slot

    def add(self, client: Hashable) -> int:
        """A number for a new client; there must be room."""
        if self._free == NO_SLOT:
            slot = len(self._clients)
            self._clients.append(client)
            self._next.append(NO_SLOT)
        else:
            slot = self._free
            self._free = self._next[slot]
            self._clients[slot] = client
        bucket = hash((self._seed, client)) & self._mask
        self._next[slot] = self._first[bucket]
        self._first[bucket] = slot
        self._count += 1
        return slot

    def remove(self, slot: int) -> None:
        """Release a number that is in use; the next client may get it."""
        bucket = hash((self._seed, self._clients[slot])) & self._mask
        before = self._first[bucket]
        if before == slot:
            self._first[bucket] = self._next[slot]
        else:
            while self._next[before] != slot:
                before = self._next[before]
            self._next[before] = self._next[slot]
        self._clients[slot] = _FREE
        self._next[slot] = self._free
        self._free = slot
        self._count -= 1
