"""The box office releases all that one buyer, address or network holds.

Owns how a hold, a `buyerRef` or an address becomes a holder as the log has it, and the portions:
each is one entry of the log with its actor, so that 400 holds of a hoarder keep no buyer waiting.
The seats cool down for whoever had them. The rules decide which holds are released.
"""

import ipaddress
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from event_seating.booking.api import buyer_cookie
from event_seating.booking.api.caller import Caller, idempotent_call
from event_seating.booking.api.parse_selection import NOTHING_UNKNOWN
from event_seating.booking.api.request_bodies import ReleaseHoldsBody
from event_seating.booking.core.commands import ReleaseHolds
from event_seating.booking.core.records import Hold
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.results import ReleaseResult
from event_seating.booking.errors import HoldNotFound
from event_seating.booking.reads import rendering
from event_seating.booking.reads.refusal_answers import error_of
from event_seating.booking.reads.seat_map_status import load_event
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.submission import EarlierAnswer, Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.clock import Clock
from event_seating.errors import invalid
from event_seating.web.client_address import (
    IPV6_CLIENT_PREFIX,
    IPV6_NETWORK_PREFIX,
    client_networks,
)

HOLDS_AT_ONCE: Final = 100
"""Holds in one entry of the log: deciding and applying them takes about a millisecond."""

BATCHES_MAX: Final = 100
"""Entries that one call writes at most; `more` says that there may be more to release."""


NOBODY: Final = b"nobody"
"""A holder without holds, since keys of holders are longer: finds only an earlier answer."""


class ReleasedHolds(NamedTuple):
    """The answer, and whether it repeats the one of an earlier call."""

    body: dict[str, Any]
    replayed: bool


class HoldReleases:
    """Releases what one buyer or address holds."""

    def __init__(
        self, logs: SeatLogs, bookable_of: BookableEventOf, tokens: ids.Tokens, clock: Clock
    ) -> None:
        self._logs = logs
        self._bookable_of = bookable_of
        self._tokens = tokens
        self._clock = clock

    async def release(self, event_id: str, body: ReleaseHoldsBody, caller: Caller) -> ReleasedHolds:
        """Release in portions until nothing is left; a repeated call goes on where it stopped.

        Raises `InvalidRequest`, `EventNotFound`, `HoldNotFound`, `Refused`, and what
        `SeatLog.submit` raises.
        """
        log, bookable = await load_event(self._logs, self._bookable_of, event_id)
        found_holder = await self._holder(bookable, log, body)
        # An ended hold may have ended by this same call, which is repeated.
        ended = found_holder if isinstance(found_holder, Refusal) else None
        holder = NOBODY if isinstance(found_holder, Refusal) else found_holder
        seats: list[str] = []
        areas: Counter[str] = Counter()
        holds, version, replayed, more = 0, log.states.version, False, True
        for number in range(BATCHES_MAX):
            if not more:
                break
            command = ReleaseHolds(holder, HOLDS_AT_ONCE, caller.actor)
            # Each portion is a call of its own, so that a repetition finds each answer.
            route = f"{caller.route} {number}" if number else caller.route
            call = idempotent_call(
                replace(caller, route=route),
                command,
                body,
                secret=bookable.buyer_secret,
                earlier_answer=partial(rendering.released, bookable),
            )
            outcome = await log.submit(Submission(command, call=call))
            if isinstance(outcome, Refusal):
                if outcome.code is not RefusalCode.hold_not_found:
                    raise error_of(outcome, bookable, NOTHING_UNKNOWN)
                if ended is not None and not replayed:
                    raise error_of(ended, bookable, NOTHING_UNKNOWN)
                more = ended is not None  # the first call was cut off before it was done
                break
            released = _released(bookable, outcome)
            seats += released.seats
            areas.update(released.areas)
            holds += released.holds
            version, replayed = outcome.version, outcome.replayed
            more = released.holds == HOLDS_AT_ONCE
        count = len(seats) + areas.total()
        return ReleasedHolds(
            {
                "version": version,
                "holds": holds,
                "count": count,
                "seats": seats,
                "areas": dict(areas),
                "more": more,
            },
            replayed,
        )

    async def _holder(
        self, bookable: BookableEvent, log: SeatLog, body: ReleaseHoldsBody
    ) -> bytes | Refusal:
        """The holder that the body names, or how the hold ended that it names."""
        named = [body.hold_token, body.hold_id, body.buyer_ref, body.address]
        if sum(each is not None for each in named) != 1:
            raise invalid("holdToken", "give exactly one of holdToken, holdId, buyerRef, address")
        of_hold = body.hold_token is not None or body.hold_id is not None
        if body.same_address and not of_hold:
            raise invalid("sameAddress", "goes with a holdToken or a holdId only")
        if body.buyer_ref is not None:
            return buyer_cookie.of_reference(bookable.buyer_secret, body.buyer_ref)
        if body.address is not None:
            return _address(bookable.buyer_secret, body.address)
        hold = await self._hold(bookable, log, body)
        if isinstance(hold, Refusal):
            return hold
        if body.same_address:
            if hold.address is None:
                raise invalid("sameAddress", "this hold counts on no address; leave it out")
            return hold.address
        if hold.buyer is None:
            raise invalid(
                "holdToken",
                "this hold was placed for no buyer; `DELETE /holds/{token}` releases it",
            )
        return hold.buyer

    async def _hold(
        self, bookable: BookableEvent, log: SeatLog, body: ReleaseHoldsBody
    ) -> Hold | Refusal:
        if body.hold_token is not None:
            found = self._tokens.read(body.hold_token)
        else:
            found = ids.from_text(body.hold_id or "")
        if found is None or found[0] != bookable.event_id:
            raise HoldNotFound
        await log.catch_up()
        return log.states.hold(found[1], self._clock.now_ms())


class _Released(msgspec.Struct):
    """What one portion released."""

    holds: int
    seats: list[str]
    areas: dict[str, int]


def _released(bookable: BookableEvent, granted: Granted) -> _Released:
    result = granted.result
    if isinstance(result, EarlierAnswer):
        return msgspec.json.decode(result.body, type=_Released)
    assert isinstance(result, ReleaseResult), "a release has its result"
    seats = result.seats
    return _Released(result.holds, bookable.seat_ids(seats), bookable.area_quantities(seats))


def _address(secret: bytes, text: str) -> bytes:
    """The holder for an address (IPv6: its /64), or for an IPv6 /64 or /56."""
    address, slash, length = text.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise invalid(
            "address",
            "must be an IP address, such as 192.0.2.7 or 2001:db8::7, or an IPv6 /64 or /56",
        ) from None
    one, network = client_networks(str(parsed))
    if not slash or (network is not None and length == str(IPV6_CLIENT_PREFIX)):
        return buyer_cookie.of_address(secret, one)
    if network is not None and length == str(IPV6_NETWORK_PREFIX):
        return buyer_cookie.of_network(secret, network)
    raise invalid("address", "may be an IPv6 network of /64 or /56, or one address alone")
