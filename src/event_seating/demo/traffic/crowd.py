"""The crowd: simulated buyers that come, hold, think and mostly book, until it is enough.

Owns what bounds it: a time, a share of the seats that it never passes by itself, and one buyer
doing one thing at a time. Nothing is undone at the end: what was sold stays sold, and what somebody
walked away from runs out on the server, as in life.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from event_seating.clock import Clock, rfc3339
from event_seating.demo.traffic import choices
from event_seating.demo.traffic.choices import Ending, Hall, Sight
from event_seating.demo.traffic.server import Client, NotOurs, Refusal, Server, Stop
from event_seating.demo.traffic.tally import Tally
from event_seating.errors import StartupError

THINKS_S: Final = (0.1, 0.6)
"""Between hold and decision."""

COMES_S: Final = (0.05, 0.5)
"""Until the next party comes. With both, a buyer stays just below a new server's rate limits."""

AFTER_REFUSAL_S: Final = 0.5
"""Nobody hammers on a closed door."""

SIGHT_S: Final = 1.0
"""How old the picture of the seats may be; older ones are what makes two pick the same seat."""

ABANDONED_MAX: Final = 4
"""Holds that a buyer leaves to run out: with six seats each, under the 40 that one may hold."""

LEFT_OF_AN_ADDRESS: Final = 4
"""All call from one address: what they leave to run out is a quarter of what it may hold."""

ORDER_REF: Final = "demo"
"""On every booking, so that `GET /events/{id}/bookings?orderRef=demo` finds them."""

EVENTS_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for."""

    url: str
    key: str | None
    event: str | None
    seconds: float
    share: float
    buyers: int


class Crowd:
    """One run against one event."""

    def __init__(self, asked: Asked, clock: Clock, chance: random.Random) -> None:
        self.tally = Tally()
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
        """Find the event and look at its seats; raises `StartupError`."""
        async with self._server.client() as client:
            try:
                self.event = await self._find(client)
                self._hall = choices.hall_of(await client.look(self.event["map"]))
                counts = await self._see(client)
            except (AttributeError, LookupError, TypeError):
                raise NotOurs(self._asked.url) from None
        seats = sum(counts.values())
        self.target = max(0, int(seats * self._asked.share) - counts["booked"])

    async def run(self) -> None:
        """Let them buy, until the time is over, the share is sold or `stop` comes."""
        began = self._clock.monotonic()
        timer = asyncio.get_running_loop().call_later(self._asked.seconds, self.stop.now)
        try:
            async with asyncio.TaskGroup() as buyers:
                for number in range(self._asked.buyers):
                    buyers.create_task(self._buyer(number))
                while not self.stop.come:
                    self.tally.seconds = self._clock.monotonic() - began
                    await self.stop.pause(SIGHT_S / 10)
        finally:
            timer.cancel()
            self.tally.seconds = self._clock.monotonic() - began

    async def _find(self, client: Client) -> dict[str, Any]:
        if self._asked.event is not None:
            events = [await client.look(f"/events/{quote(self._asked.event, safe='')}")]
        else:
            now = rfc3339(self._clock.now_ms())
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

    async def _see(self, client: Client) -> dict[str, int]:
        self._seen_at = self._clock.monotonic()
        seen = await client.look(f"/events/{self.event['id']}/seats", {"format": "compact"})
        places = {area: counts["available"] for area, counts in seen["areas"].items()}
        self._sight = Sight(seen["seats"], places)
        return dict(seen["counts"])

    async def _buyer(self, number: int) -> None:
        # With a key there are no cookies: the caps count by the name that the box office gives.
        named = {"buyerRef": f"demo-{number}"} if self._server.key else {}
        abandoned = 0
        async with self._server.client() as client:
            await self.stop.pause(self._chance.uniform(*COMES_S))
            while not self.stop.come:
                try:
                    fate = choices.ending(self._chance)
                    if fate is Ending.abandon and not self._may_abandon(abandoned):
                        fate = Ending.book
                    await self._party(client, named, fate)
                    abandoned += fate is Ending.abandon
                    await self.stop.pause(self._chance.uniform(*COMES_S))
                except Refusal:
                    await self.stop.pause(AFTER_REFUSAL_S)

    def _may_abandon(self, abandoned: int) -> bool:
        """Whether a buyer who did so often may leave one more hold to run out."""
        of_address = int(self.event["rules"]["maxHeldSeatsPerAddress"]) // LEFT_OF_AN_ADDRESS
        return abandoned < ABANDONED_MAX and (
            self._server.key is not None or self.tally.abandoned < of_address
        )

    async def _party(self, client: Client, named: dict[str, str], fate: Ending) -> None:
        """One party from the first look to the end; `_claimed` never passes the target."""
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

    async def _buy(self, client: Client, named: dict[str, str], fate: Ending, size: int) -> int:
        """Hold so many and do what is to become of it; how many are sold now."""
        tally = self.tally
        if self._clock.monotonic() - self._seen_at >= SIGHT_S:
            await self._see_again(client)
        body = choices.wish(self._chance, self._hall, self._sight, size) | named
        hold = await client.ask("POST", f"/events/{self.event['id']}/holds", body)
        tally.holds += 1
        tally.held += size
        await self.stop.pause(self._chance.uniform(*THINKS_S))
        if fate is Ending.abandon:
            tally.abandoned += size
            return 0
        if fate is Ending.release:
            await client.ask("DELETE", "/holds/current", token=hold["holdToken"])
            tally.released += size
            return 0
        sale = {"holdToken": hold["holdToken"], "orderRef": ORDER_REF}
        booking = await client.ask("POST", "/bookings", sale)
        tally.bookings += 1
        tally.booked += size
        if fate is Ending.cancel and await self._cancelled(client, booking["id"]):
            tally.cancelled += size
            return 0
        return size

    async def _cancelled(self, client: Client, booking: str) -> bool:
        await self.stop.pause(self._chance.uniform(*THINKS_S))
        try:
            await client.ask("POST", f"/bookings/{booking}/cancel", {"reason": "changed my mind"})
        except Refusal:
            return False
        return True

    async def _see_again(self, client: Client) -> None:
        try:
            await self._see(client)
        except StartupError:
            self._server.heard(answered=False)
            raise Refusal from None

    async def _wait_for_the_last(self) -> None:
        """Everything is claimed: over once it is sold, else some of it may come back."""
        # The tally has bookings too that are about to be cancelled.
        if self._sold >= self.target:
            self.stop.now()
        await self.stop.pause(AFTER_REFUSAL_S)
