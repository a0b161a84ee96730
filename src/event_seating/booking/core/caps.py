"""How much one buyer, one address and one network may hold at once.

Every seat of an anonymous hold counts three times: for the buyer's cookie (the one that the request
has, or the one that the answer sets), for the address (the /64 of an IPv6 one) and, with IPv6, for
the /56 around it, which is what one household or one rented server gets. So a new cookie for each
hold, or a new address of the same /56, gains nothing. What the box office holds for a `buyerRef`
counts for that alone.

A proof of work or a waiting room would plug in here: `too_many` is called before any seat is looked
at, it knows the caller, and it could ask for something instead of refusing.
"""

from typing import Final

from event_seating.booking.core.commands import PlaceHold
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.records import Hold, SaleRules
from event_seating.booking.core.refusals import Refusal, RefusalCode

NETWORK_FACTOR: Final = 2
"""A /56 may hold this many times as much as one address: enough for a home with two lines."""

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

    No cap applies to the box office for a hold without a buyer. A buyer who was given the token of
    such a hold may add to it within the cap of one hold.
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
        return None  # the usual case, at the cost of two look-ups
    return _over(ledger, rules, holder, more)


def _over(ledger: Ledger, rules: SaleRules, holder: PlaceHold | Hold, more: int) -> Refusal | None:
    """The refusal that names the first cap that would be exceeded."""
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
