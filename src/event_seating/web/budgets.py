"""Which limit a request is charged to: each class of routes has one budget for each client.

Owns the classes: what is never limited, the seating routes, and everything else. In the seating
class a buyer whom we know by a cookie has a budget of their own, and each address one that is ten
times as large, since thousands may share one; both have to pass.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from event_seating.errors import RateLimited
from event_seating.limits.limiter import Limiter, Verdict
from event_seating.settings.model import Settings
from event_seating.settings.parsers import Window
from event_seating.web.client_address import client_key
from event_seating.web.errors import TooManyWrongKeys

ADDRESS_FACTOR: Final = 10
"""How many buyers behind one address are served as if each had one of their own."""


class Charged(NamedTuple):
    """What a request was charged to."""

    policy: bytes
    """The value of `RateLimit-Policy`."""
    verdict: Verdict


class Limits(NamedTuple):
    """The limiters of a process; none where a setting is `off`."""

    account: Limiter | None
    buyers: Limiter | None
    """Holds and bookings, for each buyer."""
    addresses: Limiter | None
    """The same for each address."""
    wrong_keys: Limiter | None

    @property
    def by_name(self) -> dict[str, Limiter]:
        """Those that there are, as the metrics name them."""
        return {name: limiter for name, limiter in self._asdict().items() if limiter is not None}


def limits_of(settings: Settings, monotonic: Callable[[], float]) -> Limits:
    """The limiters that the settings ask for."""

    def limiter(windows: Sequence[Window]) -> Limiter | None:
        return Limiter(windows, monotonic) if windows else None

    seating = settings.seating_rate_limits
    return Limits(
        account=limiter(settings.rate_limits),
        buyers=limiter(seating),
        addresses=limiter([Window(each.limit * ADDRESS_FACTOR, each.seconds) for each in seating]),
        wrong_keys=limiter(settings.wrong_key_limits),
    )


class Asking(Protocol):
    """What is charged: one request."""

    charged: Charged | None

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def buyer_cookie(self) -> str | None: ...


class Budgets:
    """Charges requests of callers whom the usual limits hold for."""

    def __init__(
        self,
        limits: Limits,
        *,
        unlimited: re.Pattern[str],
        unlimited_reads: re.Pattern[str],
        seating_paths: re.Pattern[str],
        known_buyer: Callable[[str], str | None],
    ) -> None:
        """Charge to these limits; `known_buyer` is the buyer that a cookie's value names."""
        self._limits = limits
        self._unlimited = unlimited
        self._unlimited_reads = unlimited_reads
        self._seating_paths = seating_paths
        self._known_buyer = known_buyer
        self.wrong_keys = 0
        """Requests and handshakes that came with a wrong key, since the start."""

    def charge(self, asking: Asking) -> None:
        """Charge one request, if something limits it; raises `RateLimited`."""
        charged = asking.charged = self._charged(asking)
        if charged is not None and not charged.verdict.admitted:
            raise RateLimited.until(charged.verdict.retry_after_s)

    def charge_wrong_key(self, asking: Asking) -> None:
        """Charge a request or handshake that came with a wrong key; raises `TooManyWrongKeys`."""
        self.wrong_keys += 1
        if self._limits.wrong_keys is not None:
            asking.charged = _charged(self._limits.wrong_keys, asking.address)
            if not asking.charged.verdict.admitted:
                raise TooManyWrongKeys.until(asking.charged.verdict.retry_after_s)

    def _charged(self, asking: Asking) -> Charged | None:
        if self._seating_paths.match(asking.path):
            return self._charge_seating(asking)
        if self._limits.account is None or self._is_unlimited(asking.method, asking.path):
            return None
        return _charged(self._limits.account, asking.address)

    def _charge_seating(self, asking: Asking) -> Charged | None:
        by_address, by_buyer = self._limits.addresses, self._limits.buyers
        if by_address is None or by_buyer is None:
            return None
        charged = _charged(by_address, asking.address)
        if asking.buyer_cookie is None or not charged.verdict.admitted:
            return charged
        buyer = self._known_buyer(asking.buyer_cookie)
        if buyer is None:
            return charged
        return Charged(by_buyer.policy_header, by_buyer.check(buyer))

    def _is_unlimited(self, method: str, path: str) -> bool:
        return bool(
            self._unlimited.match(path)
            or (method in {"GET", "HEAD"} and self._unlimited_reads.match(path))
        )


def _charged(limiter: Limiter, address: str) -> Charged:
    return Charged(limiter.policy_header, limiter.check(client_key(address)))
