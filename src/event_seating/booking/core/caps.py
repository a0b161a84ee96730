"""How much one buyer, one address and one network may hold at once.

Every seat of an anonymous hold counts three times: on the buyer's cookie (the one that was brought,
or the one that this hold gives), on the address (of IPv6 the /64) and, of IPv6, on the /56 around
it, which is what one household or one rented server gets. So a fresh cookie for each hold, or a
fresh address of the same /56, gains nothing. What the box office holds for a `buyerRef` counts on
that alone.

Here is where a proof of work or a waiting room would plug in, if they come: `too_many` is asked
before any seat is looked at, knows who asks, and could name what would let them in instead of only
saying no.
"""

from typing import Final

from event_seating.booking.core.commands import PlaceHold
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.records import Hold, SaleRules
from event_seating.booking.core.refusals import Refusal, RefusalCode

NETWORK_FACTOR: Final = 2
"""A /56 may hold so many times what one address may: a home with two lines, no more."""

BUYER: Final = "buyer"
ADDRESS: Final = "address"
NETWORK: Final = "network"


def too_many(
    ledger: Ledger,
    rules: SaleRules,
    holder: PlaceHold | Hold,
    in_hold: int,
    more: int,
    *,
    box_office: bool,
) -> Refusal | None:
    """The refusal of a hold of `in_hold` seats that gives its holder `more` than before.

    A hold of nobody counts on nobody. Only the box office makes it larger than others may be: a
    buyer who was given its token adds to it within the cap of one hold.
    """
    buyer = holder.buyer
    if more <= 0 or (buyer is None and box_office):
        return None
    if in_hold > rules.max_seats_per_hold:
        return Refusal(RefusalCode.too_many_seats, limit=rules.max_seats_per_hold)
    if buyer is None:
        return None
    held_by, address = ledger.held_by, holder.address
    if (
        holder.network is None
        and held_by.get(buyer, 0) + more <= rules.max_held_seats_per_buyer
        and (address is None or held_by.get(address, 0) + more <= rules.max_held_seats_per_address)
    ):
        return None  # as a rule, and then at the cost of two look-ups
    return _over(ledger, rules, holder, more)


def _over(ledger: Ledger, rules: SaleRules, holder: PlaceHold | Hold, more: int) -> Refusal | None:
    """The refusal that names the first cap which is met."""
    an_address = rules.max_held_seats_per_address
    caps = [
        (BUYER, holder.buyer, rules.max_held_seats_per_buyer),
        (ADDRESS, holder.address, an_address),
        (NETWORK, holder.network, NETWORK_FACTOR * an_address),
    ]
    if isinstance(holder, Hold) and holder.by_address:  # of a log of format 1
        caps = [(ADDRESS, holder.buyer, an_address)]
    for held_by, key, limit in caps:
        if key is not None and ledger.held_by.get(key, 0) + more > limit:
            return Refusal(RefusalCode.too_many_held, limit=limit, held_by=held_by)
    return None
