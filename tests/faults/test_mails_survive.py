"""Bookings, 1,000 in the end, are confirmed by mail while everything that carries a mail is killed.

Every confirmation arrives. One may arrive twice, if a kill came between a mail that was taken and
the note that it was; then with the same Message-ID, and not oftener than something was killed.
"""

import asyncio
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest
from redis import Redis
from tests.support.process import ServerProcess, settings
from tests.support.seating import put_on_sale, seat_map
from tests.support.smtp import SmtpServer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(420)]

SEATS_A_ROW = 20
CLIENTS = 8


class Sale(NamedTuple):
    """How much is sold while how much is killed."""

    rows: int
    rounds: int
    """In each the serving process, the job process and the Valkey are killed, one after another."""
    flush_in_round: int

    @property
    def bookings(self) -> int:
        """One for each seat."""
        return self.rows * SEATS_A_ROW


SALES = [
    pytest.param(Sale(10, 1, 1), id="3 kills"),
    pytest.param(Sale(50, 5, 3), id="15 kills"),
]

ARRIVED_WITHIN_S = 120
"""A job of a killed process is taken up again within some 15 s, a lost one sooner."""

BOOKING_NUMBER = re.compile(r"[a-z0-9]{12}[A-Za-z0-9_-]{22}")


class Buyers:
    """Buy every seat of the hall, one booking a seat, and insist until each is answered."""

    def __init__(self, url: str, event: str, rows: int) -> None:
        self.url = url
        self._event = event
        self._seats = [
            f"A-{row}-{col}" for row in range(1, rows + 1) for col in range(1, SEATS_A_ROW + 1)
        ]
        self.booked: list[str] = []
        self._more = asyncio.Condition()

    async def buy(self) -> None:
        """One client, until nothing is left."""
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as client:
            while self._seats:
                seat = self._seats.pop()
                held = await self._insist(
                    client, f"/events/{self._event}/holds", {"seats": [seat]}, f"hold-{seat}"
                )
                body = {"holdToken": held["holdToken"], "userId": "anna"}
                booking = await self._insist(client, "/bookings", body, f"book-{seat}")
                async with self._more:
                    self.booked.append(booking["id"])
                    self._more.notify_all()

    async def have_booked(self, count: float) -> None:
        """Wait until so many bookings were answered."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.booked) >= count)

    async def _insist(
        self, client: httpx.AsyncClient, path: str, body: dict[str, object], key: str
    ) -> dict[str, str]:
        headers = {"idempotency-key": f"{key}-of-a-buyer-who-insists"}
        while True:
            try:
                answer = await client.post(path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code < 500:
                assert answer.status_code == 201, answer.text
                found: dict[str, str] = answer.json()
                return found
            await asyncio.sleep(0.05)


async def open_sale(url: str, rows: int) -> str:
    """A hall, an event in it, and somebody who buys; the event's id."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        user = {"id": "anna", "name": "anna", "email": "anna@example.com"}
        assert (await client.post("/users", json=user)).status_code == 201
        return await put_on_sale(client, seat_map(rows=rows, seats=SEATS_A_ROW), name="Mail")


async def kill_all_in_turn(server: ServerProcess, buyers: Buyers, sale: Sale) -> int:
    """While seats are sold; how many processes were killed."""
    kills = 0
    victims: list[Callable[[], psutil.Process]] = [
        lambda: server.job_process,
        lambda: server.valkey,
        lambda: server.child,
    ]
    for round_ in range(1, sale.rounds + 1):
        for place, victim in enumerate(victims):
            share = (round_ - 1 + place / len(victims)) / sale.rounds
            await buyers.have_booked(sale.bookings * 0.9 * share)
            await asyncio.to_thread(kill_and_see_it_back, victim)
            kills += 1
        if round_ == sale.flush_in_round:
            await asyncio.to_thread(flush, server)
    return kills


def kill_and_see_it_back(victim: Callable[[], psutil.Process]) -> None:
    died = found(victim)
    died.send_signal(signal.SIGKILL)
    died.wait(20)
    assert found(victim).pid != died.pid


def found(victim: Callable[[], psutil.Process]) -> psutil.Process:
    """It, once it is there."""
    found: list[psutil.Process] = []

    def is_back() -> bool:
        with suppress(ValueError, psutil.NoSuchProcess):
            found.append(victim())
        return bool(found)

    wait_until(is_back)
    return found[0]


def flush(server: ServerProcess) -> None:
    """Let the Valkey forget everything."""
    arguments = server.valkey.cmdline()
    socket = next(part for part in arguments if part.endswith(".sock") or ".sock" in part)
    address = re.search(r"/\S+\.sock", socket)
    assert address is not None, arguments
    with Redis(unix_socket_path=address[0]) as redis:
        for _ in range(1000):
            try:
                redis.flushall()
            except OSError:
                continue
            return
    raise AssertionError("the Valkey could not be flushed")


async def all_have_arrived(mails: SmtpServer, bookings: int) -> None:
    """Every confirmation and a welcome; to leave the server its time, each is looked at once."""
    arrived: set[str] = set()
    looked_at = 0
    async with asyncio.timeout(ARRIVED_WITHIN_S):
        while len(arrived) < bookings + 1:
            new = mails.received[looked_at:]
            looked_at += len(new)
            arrived |= {mail.message_id for mail in new}
            await asyncio.sleep(0.1)


async def sell_and_kill(
    changes: dict[str, str], mails: SmtpServer, sale: Sale
) -> tuple[list[str], int]:
    server = ServerProcess(changes)
    try:
        await asyncio.to_thread(server.wait_until_ready)
        await asyncio.to_thread(server.wait_for_line, "doing jobs")
        event = await open_sale(server.url, sale.rows)
        buyers = Buyers(server.url, event, sale.rows)
        reading = asyncio.create_task(asyncio.to_thread(server.ended, 400))
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(buyers.buy()) for _ in range(CLIENTS)]
            kills = await kill_all_in_turn(server, buyers, sale)
            await asyncio.wait(clients)
        await all_have_arrived(mails, sale.bookings)
        server.signal(signal.SIGTERM)
        assert await reading == 0
    finally:
        server.kill()
    return buyers.booked, kills


@pytest.mark.parametrize("sale", SALES)
def test_every_booking_is_confirmed_whatever_is_killed(
    backend: str, database_url: str, tmp_path: Path, sale: Sale
) -> None:
    url = {"DATABASE_URL": database_url} if backend == "postgresql" else {}
    with SmtpServer() as mails, tempfile.TemporaryDirectory(prefix="es-") as runtime:
        changes = settings(
            tmp_path,
            SEATING_RATE_LIMITS="off",
            SMTP_URL=f"{mails.url}?starttls=off",
            MAIL_FROM="Box Office <tickets@example.com>",
            TMPDIR=runtime,
            **url,
        )
        booked, kills = asyncio.run(sell_and_kill(changes, mails, sale))
        received = list(mails.received)
    assert len(set(booked)) == sale.bookings
    of_booking: dict[str, set[str]] = {}
    for mail in received:
        body = mail.message.get_body(("plain",))
        assert body is not None
        numbers = set(BOOKING_NUMBER.findall(body.get_content())) & set(booked)
        assert len(numbers) <= 1, "a mail is about one booking, or a welcome"
        for number in numbers:
            of_booking.setdefault(number, set()).add(mail.message_id)
    assert set(of_booking) == set(booked), "a confirmation is lost"
    assert all(len(ids) == 1 for ids in of_booking.values()), "twice, and not as the same mail"
    times = Counter(mail.message_id for mail in received)
    assert sum(times.values()) - len(times) <= kills, "more doubles than kills"
