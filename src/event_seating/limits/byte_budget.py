"""How many bytes each client has caused in about the last hour, and whether it may cause more.

A sliding window of two counters for each client: what was counted in the current window, and the
part of the previous one that still lies within the length of a window, assuming that it was spread
evenly. It never admits more than twice the budget in any period of one window, and costs about 200
bytes a client. The number of clients is bounded: at the bound the one that came first in the window
is forgotten, and then has its whole budget again. It never waits, logs or raises, and is used from
one thread.
"""

from collections.abc import Callable, Hashable
from typing import Final

CLIENTS_MAX: Final = 100_000
"""As many as the rate limiter remembers: about 20 MB if every one of them wrote."""


class ByteBudget:
    """`budget_bytes` in `window_s` seconds for each client. `monotonic` gives seconds."""

    def __init__(
        self,
        budget_bytes: int,
        window_s: float,
        monotonic: Callable[[], float],
        *,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        if budget_bytes < 1 or window_s <= 0 or clients_max < 1:
            raise ValueError("a budget has bytes, a window, and room for one client")
        self._budget_bytes = budget_bytes
        self._window_s = window_s
        self._monotonic = monotonic
        self._clients_max = clients_max
        self._window = self._number()
        self._now: dict[Hashable, int] = {}
        self._before: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._now.keys() | self._before.keys())

    def charge(self, client: Hashable, spent_bytes: int) -> None:
        """Count bytes that a client has caused."""
        self._turn()
        if client not in self._now and len(self._now) >= self._clients_max:
            del self._now[next(iter(self._now))]
        self._now[client] = self._now.get(client, 0) + spent_bytes

    def wait_s(self, client: Hashable) -> int:
        """Whole seconds until the client has budget again; 0 if it has some now."""
        self._turn()
        now, before = self._now.get(client, 0), self._before.get(client, 0)
        into_s = self._monotonic() % self._window_s
        if now + before * (1 - into_s / self._window_s) < self._budget_bytes:
            return 0
        if now >= self._budget_bytes:
            # All of it is in this window, which has to end first and then fade.
            faded = 1 - self._budget_bytes / now
            return int(self._window_s - into_s + faded * self._window_s) + 1
        faded = 1 - (self._budget_bytes - now) / before
        return int(faded * self._window_s - into_s) + 1

    def _turn(self) -> None:
        """Begin the next window if its time has come."""
        number = self._number()
        if number == self._window:
            return
        self._before = self._now if number == self._window + 1 else {}
        self._now = {}
        self._window = number

    def _number(self) -> int:
        return int(self._monotonic() // self._window_s)
