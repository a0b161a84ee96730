"""The crowd: simulated buyers that come, hold, think and mostly book.

Owns the limits of a run: its duration, a share of the seats that it never exceeds by itself, and
one action at a time for each buyer. Nothing is undone at the end: sold seats stay sold, and
abandoned holds expire on the server, as in reality.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from event_seating.clock import Clock
from event_seating.demo.traffic import choices
from event_seating.demo.traffic.choices import Hall, HoldEnding, Sight
from event_seating.demo.traffic.server import (
    BuyerClient,
    ForeignServer,
    RequestRefused,
    Server,
    Stop,
)
from event_seating.demo.traffic.tally import TrafficCounts
from event_seating.errors import StartupError
from event_seating.values import rfc3339

THINKS_S: Final = (0.1, 0.6)
"""Seconds between a hold and the decision."""

COMES_S: Final = (0.05, 0.5)
"""Seconds until the next party. With both, a buyer stays just below a new server's rate limits."""

AFTER_REFUSAL_S: Final = 0.5
"""Seconds after a refusal, so that the buyer does not repeat it at once."""

SIGHT_S: Final = 1.0
"""How old the known statuses may be; older ones make two buyers pick the same seat."""

ABANDONED_MAX: Final = 4
"""Holds that a buyer abandons: with six seats each, below the 40 that one buyer may hold."""

LEFT_OF_AN_ADDRESS: Final = 4
"""All buyers share one address: together they may abandon a quarter of what it may hold."""

ORDER_REF: Final = "demo"
"""On every booking, so that `GET /events/{id}/bookings?orderRef=demo` finds them."""

EVENTS_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class TrafficOptions:
    """The options of the command."""

    url: str
    key: str | None
    event: str | None
    seconds: float
    share: float
    buyers: int


class Crowd:
    """One run against one event."""

    def __init__(self, asked: TrafficOptions, clock: Clock, chance: random.Random) -> None:
        self.tally = TrafficCounts()
        self.stop = Stop()
        self.event: dict[str, Any] = {}
        self.target = 0
        """Seats that may be sold in this run."""
        self._asked = asked
        self._clock = clock
        self._chance = chance
        self._server = Server(asked.url, asked.key, self.tally, self.stop)
        self._claimed = 0
        self._sold = 0
        self._hall = Hall((), (), ())
        self._sight = Sight("", {})
        self._seen_at = 0.0

    async def open(self) -> None:
        """Find the event and read its seats; raises `StartupError`."""
        async with self._server.client() as client:
            try:
                self.event = await self._find(client)
                self._hall = choices.hall_of(await client.look(self.event["map"]))
                counts = await self._see(client)
            except (AttributeError, LookupError, TypeError):
                raise ForeignServer(self._asked.url) from None
        seats = sum(counts.values())
        self.target = max(0, int(seats * self._asked.share) - counts["booked"])

    async def run(self) -> None:
        """Let the buyers buy until the time is over, the share is sold or `stop` is called."""
        began = self._clock.monotonic()
        timer = asyncio.get_running_loop().call_later(self._asked.seconds, self.stop.now)
        try:
            async with asyncio.TaskGroup() as buyers:
                for number in range(self._asked.buyers):
                    buyers.create_task(self._buyer(number))
                while not self.stop.is_over:
                    self.tally.seconds = self._clock.monotonic() - began
                    await self.stop.pause(SIGHT_S / 10)
        finally:
            timer.cancel()
            self.tally.seconds = self._clock.monotonic() - began

    async def _find(self, client: BuyerClient) -> dict[str, Any]:
        if self._asked.event is not None:
            events = [await client.look(f"/events/{quote(self._asked.event, safe='')}")]
        else:
            now = rfc3339.to_text(self._clock.now_ms())
            query = {"from": now, "limit": str(EVENTS_LOOKED_AT)}
            events = (await client.look("/events", query))["items"]
        for event in events:
            if event["status"] == "on_sale":
                return dict(event)
        if events:
            raise StartupError(f"event {events[0]['id']} is {events[0]['status']}, not on sale")
        raise StartupError(
            f"{self._asked.url} has no event to come; `POST /events` makes one, and a server in "
            "development makes one soon after its first start"
        )

    async def _see(self, client: BuyerClient) -> dict[str, int]:
        self._seen_at = self._clock.monotonic()
        seen = await client.look(f"/events/{self.event['id']}/seats", {"format": "compact"})
        places = {area: counts["available"] for area, counts in seen["areas"].items()}
        self._sight = Sight(seen["seats"], places)
        return dict(seen["counts"])

    async def _buyer(self, number: int) -> None:
        # With a key there are no cookies: the limits apply to the name that the box office gives.
        named = {"buyerRef": f"demo-{number}"} if self._server.key else {}
        abandoned = 0
        async with self._server.client() as client:
            await self.stop.pause(self._chance.uniform(*COMES_S))
            while not self.stop.is_over:
                try:
                    fate = choices.ending(self._chance)
                    if fate is HoldEnding.abandon and not self._may_abandon(abandoned):
                        fate = HoldEnding.book
                    await self._party(client, named, fate)
                    abandoned += fate is HoldEnding.abandon
                    await self.stop.pause(self._chance.uniform(*COMES_S))
                except RequestRefused:
                    await self.stop.pause(AFTER_REFUSAL_S)

    def _may_abandon(self, abandoned: int) -> bool:
        """Whether a buyer with this many abandoned holds may abandon one more."""
        of_address = int(self.event["rules"]["maxHeldSeatsPerAddress"]) // LEFT_OF_AN_ADDRESS
        return abandoned < ABANDONED_MAX and (
            self._server.key is not None or self.tally.abandoned < of_address
        )

    async def _party(self, client: BuyerClient, named: dict[str, str], fate: HoldEnding) -> None:
        """One party from start to end; `_claimed` never exceeds the target."""
        most = min(int(self.event["rules"]["maxSeatsPerHold"]), self.target - self._claimed)
        if most < 1:
            await self._wait_for_the_last()
            return
        size = choices.party(self._chance, most)
        self._claimed += size
        sold = 0
        try:
            sold = await self._buy(client, named, fate, size)
        finally:
            self._claimed -= size - sold
            self._sold += sold

    async def _buy(
        self, client: BuyerClient, named: dict[str, str], fate: HoldEnding, size: int
    ) -> int:
        """Hold this many seats and end the hold in the given way; how many seats were sold."""
        tally = self.tally
        if self._clock.monotonic() - self._seen_at >= SIGHT_S:
            await self._see_again(client)
        body = choices.wish(self._chance, self._hall, self._sight, size) | named
        hold = await client.ask("POST", f"/events/{self.event['id']}/holds", body)
        tally.holds += 1
        tally.held += size
        await self.stop.pause(self._chance.uniform(*THINKS_S))
        if fate is HoldEnding.abandon:
            tally.abandoned += size
            return 0
        if fate is HoldEnding.release:
            await client.ask("DELETE", "/holds/current", token=hold["holdToken"])
            tally.released += size
            return 0
        sale = {"holdToken": hold["holdToken"], "orderRef": ORDER_REF}
        booking = await client.ask("POST", "/bookings", sale)
        tally.bookings += 1
        tally.booked += size
        if fate is HoldEnding.cancel and await self._cancelled(client, booking["id"]):
            tally.cancelled += size
            return 0
        return size

    async def _cancelled(self, client: BuyerClient, booking: str) -> bool:
        await self.stop.pause(self._chance.uniform(*THINKS_S))
        try:
            await client.ask("POST", f"/bookings/{booking}/cancel", {"reason": "changed my mind"})
        except RequestRefused:
            return False
        return True

    async def _see_again(self, client: BuyerClient) -> None:
        try:
            await self._see(client)
        except StartupError:
            self._server.note_answer(answered=False)
            raise RequestRefused from None

    async def _wait_for_the_last(self) -> None:
        """Everything is claimed: stop once it is sold; until then some may become free again."""
        # The counts include bookings that are about to be cancelled.
        if self._sold >= self.target:
            self.stop.now()
        await self.stop.pause(AFTER_REFUSAL_S)
