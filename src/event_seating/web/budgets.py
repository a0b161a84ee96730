"""Which limit a request is charged to: each class of routes has one budget for each client.

Owns the classes: what is never limited, the seating routes, and everything else. In the seating
class a buyer whom we know by a cookie has a budget of their own, and each address one that is ten
times as large, since thousands may share one; both have to pass.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from event_seating.limits.limiter import Limiter, Verdict
from event_seating.web import security

ADDRESS_FACTOR: Final = 10
"""How many buyers behind one address are served as if each had one of their own."""


class Charged(NamedTuple):
    """What a request was charged to."""

    policy: bytes
    """The value of `RateLimit-Policy`."""
    verdict: Verdict


class SeatingBudget(NamedTuple):
    """The budgets of holds and bookings."""

    by_buyer: Limiter
    by_address: Limiter
    known_buyer: Callable[[bytes | None], str | None]
    """The buyer that a `Cookie` header names, if we know them."""


class Budgets:
    """Charges requests of callers whom the usual limits hold for."""

    def __init__(
        self,
        *,
        unlimited: re.Pattern[str],
        unlimited_reads: re.Pattern[str],
        account: Limiter | None,
        seating_paths: re.Pattern[str],
        seating: SeatingBudget | None,
    ) -> None:
        self._unlimited = unlimited
        self._unlimited_reads = unlimited_reads
        self._account = account
        self._seating_paths = seating_paths
        self._seating = seating

    def charge(
        self, method: str, path: str, found: Mapping[bytes, bytes], address: str
    ) -> Charged | None:
        """Charge one request; none when nothing limits it."""
        if self._seating_paths.match(path):
            return self._charge_seating(found, address) if self._seating else None
        if self._account is None or self._is_unlimited(method, path):
            return None
        verdict = self._account.check(security.client_key(address))
        return Charged(self._account.policy_header, verdict)

    def _charge_seating(self, found: Mapping[bytes, bytes], address: str) -> Charged:
        assert self._seating is not None
        limiter = self._seating.by_address
        verdict = limiter.check(security.client_key(address))
        buyer = self._seating.known_buyer(found.get(b"cookie"))
        if verdict.admitted and buyer is not None:
            limiter = self._seating.by_buyer
            verdict = limiter.check(buyer)
        return Charged(limiter.policy_header, verdict)

    def _is_unlimited(self, method: str, path: str) -> bool:
        return bool(
            self._unlimited.match(path)
            or (method in {"GET", "HEAD"} and self._unlimited_reads.match(path))
        )
