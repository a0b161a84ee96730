"""What callers without a key may add to the log: so many bytes an hour for each address.

The caps bound how many seats anybody holds at once, but not how often they are held and released,
and each time two rows of the log are written, which are kept. A grant is charged for the bytes that
are written, a new hold also for its end in advance, so that a release costs nothing and is never
refused. Freezing and thawing is charged but never refused: a buyer can do it once for each hold.
The box office is exempt. Each process has its own count, so several allow the budget several times.
"""

from collections.abc import Callable
from typing import Final

from event_seating.booking.api.caller import Caller
from event_seating.booking.core import log_entries
from event_seating.booking.core.commands import (
    ChangeHold,
    Command,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ThawHold,
)
from event_seating.booking.errors import LogBudgetSpent
from event_seating.booking.seat_log.submission import Granted
from event_seating.limits.byte_budget import ByteBudget
from event_seating.web.client_address import client_key

WINDOW_S: Final = 3_600

ROW_BYTES: Final = 150
"""The size of a row of the log without its entries, with its share of the index; a quiet event
has a row for each request."""

ANSWER_BYTES: Final = 250
"""The size of a stored answer without its result and body, with its share of three indexes."""

_REFUSED: Final = (PlaceHold, ChangeHold, ExtendHold)
_CHARGED: Final = (*_REFUSED, FreezeHold, ThawHold)


class LogBudget:
    """The budget of each address; 0 bytes means no limit."""

    def __init__(self, budget_bytes: int, monotonic: Callable[[], float]) -> None:
        self._bytes = ByteBudget(budget_bytes, WINDOW_S, monotonic) if budget_bytes else None
        self.refused = 0
        """Requests that were refused, since the start."""

    def check(self, caller: Caller, command: Command) -> None:
        """Raise `LogBudgetSpent` when the budget of the caller's address is used up."""
        if self._bytes is None or caller.box_office or not isinstance(command, _REFUSED):
            return
        wait_s = self._bytes.wait_s(client_key(caller.address))
        if wait_s:
            self.refused += 1
            raise LogBudgetSpent.until(wait_s)

    def charge(self, caller: Caller, command: Command, granted: Granted) -> None:
        """Count what was written for the caller."""
        if self._bytes is None or caller.box_office or not isinstance(command, _CHARGED):
            return
        if granted.entry is None:
            return  # a repeated call: nothing was written
        written = ROW_BYTES + len(log_entries.encode((granted.entry,)))
        if isinstance(command, PlaceHold):
            written *= 2  # its end names the same seats and little else
        if caller.key is not None:
            written += ANSWER_BYTES + granted.stored_bytes
        self._bytes.charge(client_key(caller.address), written)
