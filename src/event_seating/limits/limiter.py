"""Whether a client may make a request now, in every window at once, and the headers for that.

Owns the rule: a window of `limit` requests in `seconds` admits a request if fewer than `limit`
accepted ones lie in the last `seconds`. A request exactly `seconds` old has left the window. A
request is charged to all windows or, if one refuses it, to none.

Where limits are low, like those of accounts, each client's accepted times are kept (`ring`), and
the limit is exact. Where the times of `CLIENTS_MAX` clients would take more than `TIMES_MAX_BYTES`,
parts of a window are counted instead (`counters`): no window admits more than its limit there
either, but a request may count for a twentieth of the window longer.

The headers are those of the IETF's RateLimit fields, draft 11. In `RateLimit-Policy` `q` is a
window's limit (required) and `w` its length in seconds. In `RateLimit` `r` (required) is what is
left, and `t` the time in which no more than `r` can be used: until the earliest accepted request
leaves the window, or the whole window if there is none. `Retry-After` is the longest `t` of the
windows that refuse, so it never names a moment before their quota is available.

Memory is bounded by the number of clients, whatever the limits are. A client that was idle for the
longest window is indistinguishable from a new one and is forgotten, a few with each new client. At
the bound the least recent of a few is forgotten; only then can a client get more than its limit,
and `forgotten` counts that.

It never waits, logs or raises for a client, and knows nothing of HTTP beyond the values of the
headers.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

from event_seating.limits.counters import Counters
from event_seating.limits.ring import Rings
from event_seating.limits.slots import NO_SLOT, ClientSlots
from event_seating.settings.parsers import Window

CLIENTS_MAX: Final = 100_000
"""Clients remembered, whatever the windows are: about 18 MB with those of accounts, 32 MB with
those of seats; an attack from more addresses needs another defence."""

TIMES_MAX_BYTES: Final = 64 * 1024 * 1024
"""Most memory for the times of all clients; if they would take more, parts are counted."""

CHECKED_PER_NEW_CLIENT: Final = 4
"""More than one, so that idle clients go faster than new ones come; few, so that a new client costs
microseconds."""


class Verdict(NamedTuple):
    """The answer to one request."""

    admitted: bool
    policy: bytes
    """The value of `RateLimit-Policy`."""
    header: bytes
    """The value of `RateLimit`."""
    retry_after_s: int
    """Whole seconds until the request would be admitted, rounded up; 0 for one that is."""


_verdict: Final = tuple.__new__
"""Makes a `Verdict` in half the time of calling it."""


class Limiter:
    """Every window of one class of routes, in this process. `monotonic` gives seconds."""

    def __init__(
        self,
        windows: Sequence[Window],
        monotonic: Callable[[], float],
        *,
        max_clients: int = CLIENTS_MAX,
        times_max_bytes: int = TIMES_MAX_BYTES,
    ) -> None:
        if not windows or max_clients < 1:
            raise ValueError("a limiter needs at least one window and room for one client")
        ordered = sorted(windows, key=lambda window: (window.seconds, window.limit))
        names = _policy_names(len(ordered))
        self.policy_header = ", ".join(
            f'"{name}";q={window.limit};w={window.seconds}'
            for name, window in zip(names, ordered, strict=True)
        ).encode()
        self._header = ", ".join(f'"{name}";r=%d;t=%d' for name in names).encode()
        self._longest_s = ordered[-1].seconds
        self._monotonic = monotonic
        self._slots = ClientSlots(max_clients)
        self.exact = Rings.bytes_each(ordered) * CLIENTS_MAX <= times_max_bytes
        """Whether times are kept rather than counts."""
        self._rings: Rings | Counters = Rings(ordered) if self.exact else Counters(ordered)
        self._next_slot = 0
        self.forgotten = 0
        """Clients that were forgotten at the bound while they still had something charged."""

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._slots)

    def check(self, client: Hashable) -> Verdict:
        """Decide about one request of `client`, and charge it if it is admitted."""
        now = self._monotonic()
        slot = self._slots.find(client)
        if slot == NO_SLOT:
            slot = self._add_client(client, now)
        admitted, values = self._rings.charge(slot, now)
        if not admitted:
            return self._refusal(values)
        return _verdict(Verdict, (True, self.policy_header, self._header % values, 0))

    def forget_idle(self, most: int) -> int:
        """Check the next `most` slots, and forget clients whose requests have left every window.

        Returns how many were forgotten. Call it regularly, for times when no new clients come.
        """
        idle_since = self._monotonic() - self._longest_s
        before = len(self._slots)
        for slot in self._next_slots(most):
            if self._rings.newest(slot) <= idle_since:
                self._slots.remove(slot)
        return before - len(self._slots)

    def _refusal(self, charged: tuple[int, ...]) -> Verdict:
        """The answer where a window is full, from the `r` and `t` as if it were charged."""
        values, retry_after_s = list(charged), 0
        for at in range(0, len(values), 2):
            if values[at] < 0 and values[at + 1] > retry_after_s:
                retry_after_s = values[at + 1]
            values[at] += 1
        header = self._header % tuple(values)
        return _verdict(Verdict, (False, self.policy_header, header, retry_after_s))

    def _add_client(self, client: Hashable, now: float) -> int:
        """A slot with an empty ring for a new client."""
        idle_since = now - self._longest_s
        oldest, oldest_time = NO_SLOT, now
        for slot in self._next_slots(CHECKED_PER_NEW_CLIENT):
            newest = self._rings.newest(slot)
            if newest <= idle_since:
                self._slots.remove(slot)
            elif newest < oldest_time or oldest == NO_SLOT:
                oldest, oldest_time = slot, newest
        if (
            self._slots.is_full()
        ):  # then every slot is taken and none was idle, so there is an oldest
            self._slots.remove(oldest)
            self.forgotten += 1
        slot = self._slots.add(client)
        self._rings.reset(slot)
        return slot

    def _next_slots(self, most: int) -> list[int]:
        """The used ones of the next `most` slots; each slot comes once in a round."""
        used = self._slots.ever_used
        most = min(most, used)
        turn = [(self._next_slot + step) % used for step in range(most)]
        self._next_slot += most
        if used:
            self._next_slot %= used
        return [slot for slot in turn if self._slots.is_taken(slot)]


def _policy_names(count: int) -> list[str]:
    """A name for each of `count` windows, starting with the shortest."""
    if count == 1:
        return ["default"]
    return ["burst", *(f"window-{n}" for n in range(2, count)), "sustained"]
