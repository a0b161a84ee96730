"""64 clients fight over real sockets for the same 200 seats while the server is killed.

Whatever was acknowledged is there afterwards, and every seat has one owner.
"""

import asyncio
import signal
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from tests.support.process import ServerProcess, settings
from tests.support.seating import put_on_sale, seat_map

pytestmark = pytest.mark.timeout(300)

CLIENTS = 64
SEATS = 200
FIGHTS = [
    pytest.param("sqlite", 2, id="sqlite-2 kills"),
    pytest.param("sqlite", 5, id="sqlite-5 kills", marks=pytest.mark.long),
    pytest.param("postgresql", 5, id="postgresql-5 kills", marks=pytest.mark.long),
]


class Shop:
    """What all clients know: where the server is now, and what they were told."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.url = ""
        self.bookings: dict[str, list[str]] = {}
        self.unavailable: Counter[str] = Counter()
        self.sold = asyncio.Condition()

    async def has_sold(self, count: float) -> None:
        """Wait until so many seats are."""
        async with self.sold:
            await self.sold.wait_for(lambda: len(self.seats) >= count)

    async def note(self, booking: dict[str, Any]) -> None:
        """A booking was acknowledged."""
        async with self.sold:
            self.bookings[booking["id"]] = booking["seats"]
            self.sold.notify_all()

    @property
    def seats(self) -> list[str]:
        """Every seat of every booking that was acknowledged."""
        return [seat for seats in self.bookings.values() for seat in seats]


async def insist(
    shop: Shop, client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str
) -> httpx.Response:
    """Make the same call, with its key, until the server answers it."""
    while True:
        try:
            answer = await client.post(path, json=body, headers={"idempotency-key": key})
        except httpx.TransportError:
            # Killed, or not back yet; its port is the same again.
            await asyncio.sleep(0.05)
            continue
        if answer.status_code < 500:
            return answer
        shop.unavailable[answer.json()["code"]] += 1
        await asyncio.sleep(0.05)


async def buy(shop: Shop, number: int) -> None:
    """Hold a seat or two, book them, and again, until nearly all is sold."""
    chance = Random(number)
    async with httpx.AsyncClient(base_url=shop.url, timeout=20, verify=False) as client:
        while len(shop.seats) < SEATS * 0.95:
            await buy_once(shop, client, chance)


async def buy_once(shop: Shop, client: httpx.AsyncClient, chance: Random) -> None:
    """One buyer's way: a hold, and if it is granted a booking."""
    row, col, more = chance.randrange(1, 21), chance.randrange(1, 11), chance.randrange(2)
    seats = [f"A-{row}-{at}" for at in range(col, min(col + more, 10) + 1)]
    key = f"{chance.getrandbits(128):032x}"
    held = await insist(shop, client, f"/events/{shop.event}/holds", {"seats": seats}, key)
    if held.status_code != 201:
        assert held.json()["code"] == "seats_unavailable", held.text
        return
    body = {"holdToken": held.json()["holdToken"]}
    booked = await insist(shop, client, "/bookings", body, key + "-book")
    assert booked.status_code == 201, booked.text
    await shop.note(booked.json())


async def open_shop(url: str) -> str:
    """A hall of 200 seats, and an event in it; the event's id."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        return await put_on_sale(client, seat_map(rows=20, seats=10), name="Fight")


async def kill_now_and_then(
    shop: Shop, server: ServerProcess, changes: dict[str, str], kills: int
) -> ServerProcess:
    """Kill it while bookings come in: the serving process, and every other time the parent too."""
    for kill in range(1, kills + 1):
        await shop.has_sold(SEATS * 0.8 * kill / kills)
        if kill % 2:
            server.child.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.wait_for_line, "starting it again")
        else:
            server.kill()
            server = ServerProcess(changes)
        await asyncio.to_thread(server.wait_until_ready)
    return server


async def fight(changes: dict[str, str], kills: int) -> None:
    server = ServerProcess(changes)
    try:
        await asyncio.to_thread(server.wait_until_ready)
        shop = Shop(await open_shop(server.url))
        shop.url = server.url
        changes = {**changes, "PORT": server.url.rpartition(":")[2]}
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(buy(shop, number)) for number in range(CLIENTS)]
            server = await kill_now_and_then(shop, server, changes, kills)
            await asyncio.wait(clients)
        await asyncio.to_thread(check, shop)
    finally:
        server.kill()


def check(shop: Shop) -> None:
    owners = Counter(shop.seats)
    assert set(owners.values()) == {1}, "a seat was sold twice"
    with httpx.Client(base_url=shop.url, timeout=30) as client:
        for booking, seats in shop.bookings.items():
            answer = client.get(f"/bookings/{booking}")
            assert answer.status_code == 200, "an acknowledged booking is lost"
            assert answer.json()["seats"] == seats
            assert answer.json()["status"] == "confirmed"
        snapshot = client.get(f"/events/{shop.event}/seats").json()
    booked = {seat for seat, status in snapshot["seats"].items() if status == "booked"}
    assert booked == set(owners), "somebody has a seat that nobody was told of"


@pytest.mark.parametrize(("backend", "kills"), FIGHTS, indirect=["backend"])
def test_every_acknowledged_booking_survives_and_every_seat_has_one_owner(
    backend: str, database_url: str, tmp_path: Path, kills: int
) -> None:
    url = {"DATABASE_URL": database_url} if backend == "postgresql" else {}
    changes = settings(tmp_path, SEATING_RATE_LIMITS="off", **url)
    asyncio.run(fight(changes, kills))
