"""The rules of a checkout: a hold is frozen while it is paid for, and booked as it was paid.

A shop reads the total of a hold, takes the money, and books later. In between nobody may add a
seat: the hold is frozen, and the booking says what was paid. Pure: each function takes a hold as it
is in the batch and returns an operation or a refusal.
"""

from typing import Final

from event_seating.booking.core.commands import BookHold, ExtendHold, FreezeHold, ThawHold
from event_seating.booking.core.log_entries import Extended, Frozen, Thawed
from event_seating.booking.core.records import BUYER_FREEZES_MAX, Groups, Hold, SaleRules, total
from event_seating.booking.core.refusals import CurrentLines, Refusal, RefusalCode

BOX_OFFICE_HOLD_TOTAL_MAX_MS: Final = 24 * 3_600_000
"""How long the box office may let a hold last: until a bank transfer arrives the next day."""

AFTER_THAW_MS: Final = 60_000
"""The least that a thawed hold still lasts, so that a buyer who left the checkout can go back."""

_HOLD_FROZEN: Final = Refusal(RefusalCode.hold_frozen)
_HOLD_NOT_FROZEN: Final = Refusal(RefusalCode.hold_not_frozen)
_FREEZE_USED: Final = Refusal(RefusalCode.freeze_used)
_NOTHING_GAINED: Final = Refusal(RefusalCode.nothing_gained)
_EXPECTATION_MISSING: Final = Refusal(RefusalCode.expectation_missing)


def refuse_if_frozen(hold: Hold, box_office: bool) -> Refusal | None:
    """The refusal of a change, an extension or a release while the hold is frozen."""
    return None if hold.freeze is None or box_office else _HOLD_FROZEN


def frozen(hold: Hold, command: FreezeHold, rules: SaleRules, now_ms: int) -> Frozen | Refusal:
    """Freeze a hold. The box office takes over and renews a freeze that the hold already has.

    The freeze ends `checkout_ttl_ms` after the hold would have ended without it, within the total
    time of a hold, and never before the hold's present end.
    """
    if not command.box_office:
        if hold.freeze is not None:
            return _HOLD_FROZEN
        if hold.freezes >= BUYER_FREEZES_MAX:
            return _FREEZE_USED
    before_ms = hold.expires_ms if hold.freeze is None else hold.freeze.expires_ms
    wanted_ms = max(now_ms, before_ms) + rules.checkout_ttl_ms
    expires_ms = max(hold.expires_ms, min(wanted_ms, _latest_ms(hold, command.box_office, rules)))
    return Frozen(hold.id, expires_ms - now_ms, command.box_office)


def thawed(hold: Hold, command: ThawHold, now_ms: int) -> Thawed | Refusal:
    """End a freeze; the hold gets back the time that it had left, at least `AFTER_THAW_MS`."""
    freeze = hold.freeze
    if freeze is None:
        return _HOLD_NOT_FROZEN
    if freeze.by_staff and not command.box_office:
        return _HOLD_FROZEN
    expires_ms = min(hold.expires_ms, max(freeze.expires_ms, now_ms + AFTER_THAW_MS))
    return Thawed(hold.id, expires_ms - now_ms)


def extended(hold: Hold, command: ExtendHold, rules: SaleRules, now_ms: int) -> Extended | Refusal:
    """Let a hold last its time to live from now on, within its total time."""
    refusal = refuse_if_frozen(hold, command.box_office)
    if refusal is not None:
        return refusal
    expires_ms = min(now_ms + rules.hold_ttl_ms, _latest_ms(hold, command.box_office, rules))
    if expires_ms <= hold.expires_ms:
        return _NOTHING_GAINED
    return Extended(hold.id, expires_ms - now_ms)


def refuse_if_unexpected(hold: Hold, command: BookHold, currency: str) -> Refusal | None:
    """The refusal of booking a hold whose total or revision is not the expected one."""
    expected_total, expected_revision = command.expected_total, command.expected_revision
    if expected_total is None and expected_revision is None:
        return None if hold.revision == 1 else _EXPECTATION_MISSING
    if expected_revision is None or expected_revision == hold.revision:
        return refuse_another_total(hold.groups, expected_total, currency, hold.revision)
    return _changed(hold.groups, currency, hold.revision)


def refuse_another_total(
    groups: Groups, expected: int | None, currency: str, revision: int | None = None
) -> Refusal | None:
    """The refusal of a booking whose total is not the expected one, if one was expected."""
    if expected is None or expected == total(groups):
        return None
    return _changed(groups, currency, revision)


def _changed(groups: Groups, currency: str, revision: int | None) -> Refusal:
    return Refusal(RefusalCode.total_changed, current=CurrentLines(groups, currency, revision))


def _latest_ms(hold: Hold, box_office: bool, rules: SaleRules) -> int:
    """The latest time at which the hold may end."""
    longest_ms = BOX_OFFICE_HOLD_TOTAL_MAX_MS if box_office else rules.hold_total_max_ms
    return hold.created_ms + longest_ms
