"""Which limit a request is charged to: each class of routes has one budget for each client.

A route declares its class: never limited, the usual account, or seating. What no route answers is
charged to the account. In the seating class a buyer known by a cookie has a budget of their own,
and each address one that is ten times as large, since thousands may share one; a request must pass
both.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from event_seating.limits.limiter import Limiter, Verdict
from event_seating.settings.model import Settings
from event_seating.settings.parsers import Window
from event_seating.web.endpoints import ACCOUNT, SEATING, Budget
from event_seating.web.errors import TooManyWrongKeys

ADDRESS_FACTOR: Final = 10
"""An address may do as much as this many buyers."""


class Limiters(NamedTuple):
    """The limiters of a process; `None` where a setting is `off`."""

    account: Limiter | None
    buyers: Limiter | None
    """Holds and bookings, for each buyer."""
    addresses: Limiter | None
    """The same for each address."""
    wrong_keys: Limiter | None

    @property
    def by_name(self) -> dict[str, Limiter]:
        """The limiters that exist, by the names that they have in the metrics."""
        return {name: limiter for name, limiter in self._asdict().items() if limiter is not None}


def limiters_of(settings: Settings, monotonic: Callable[[], float]) -> Limiters:
    """The limiters that the settings ask for."""

    def limiter(windows: Sequence[Window]) -> Limiter | None:
        return Limiter(windows, monotonic) if windows else None

    seating = settings.seating_rate_limits
    return Limiters(
        account=limiter(settings.rate_limits),
        buyers=limiter(seating),
        addresses=limiter([Window(each.limit * ADDRESS_FACTOR, each.seconds) for each in seating]),
        wrong_keys=limiter(settings.wrong_key_limits),
    )


class Chargeable(Protocol):
    """What is charged: one request or handshake with a wrong key."""

    charged: Verdict | None

    @property
    def client(self) -> int | str: ...


class Budgets:
    """Charges the requests of callers to whom the usual limits apply."""

    def __init__(
        self,
        limits: Limiters,
        *,
        known_buyer: Callable[[str], str | None],
    ) -> None:
        """Charge to these limits; `known_buyer` is the buyer that a cookie's value names."""
        self._limits = limits
        self._known_buyer = known_buyer
        self.wrong_keys = 0
        """Requests and handshakes that came with a wrong key, since the start."""

    def charge(self, budget: Budget, client: int | str, buyer_cookie: str | None) -> Verdict | None:
        """Charge one request of a client; None if nothing limits it."""
        if budget is ACCOUNT:
            account = self._limits.account
            return account.check(client) if account is not None else None
        return self._charge_seating(client, buyer_cookie) if budget is SEATING else None

    def charge_wrong_key(self, request: Chargeable) -> None:
        """Charge a request or handshake that came with a wrong key; raises `TooManyWrongKeys`."""
        self.wrong_keys += 1
        if self._limits.wrong_keys is not None:
            charged = request.charged = self._limits.wrong_keys.check(request.client)
            if not charged.admitted:
                raise TooManyWrongKeys.until(charged.retry_after_s)

    def _charge_seating(self, client: int | str, buyer_cookie: str | None) -> Verdict | None:
        by_address, by_buyer = self._limits.addresses, self._limits.buyers
        if by_address is None or by_buyer is None:
            return None
        charged = by_address.check(client)
        if buyer_cookie is None or not charged.admitted:
            return charged
        buyer = self._known_buyer(buyer_cookie)
        return charged if buyer is None else by_buyer.check(buyer)
