"""1,000 bookings are confirmed by mail while everything that carries a mail is killed.

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
from time import monotonic, sleep

import httpx
import psutil
import pytest
from redis import Redis
from tests.support.process import ServerProcess, create_user, settings
from tests.support.seating import seat_map
from tests.support.smtp import SmtpServer

pytestmark = pytest.mark.timeout(420)

ROWS, SEATS_A_ROW = 50, 20
BOOKINGS = ROWS * SEATS_A_ROW
CLIENTS = 8
ROUNDS = 5
"""In each the serving process, the job process and the Valkey are killed, one after the other."""

FLUSH_IN_ROUND = 3
BACK_WITHIN_S = 40
"""Far more than it needs, for a machine that has other things to do."""

ARRIVED_WITHIN_S = 120
"""A job of a killed process is taken up again within some 15 s, a lost one sooner."""

BOOKING_NUMBER = re.compile(r"[a-z0-9]{12}[A-Za-z0-9_-]{22}")


class Buyers:
    """Buy every seat of the hall, one booking a seat, and insist until each is answered."""

    def __init__(self, url: str, event: str) -> None:
        self.url = url
        self._event = event
        self._seats = [
            f"A-{row}-{col}" for row in range(1, ROWS + 1) for col in range(1, SEATS_A_ROW + 1)
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


def open_mode(server: ServerProcess) -> str:
    """A hall, an event in it, and somebody who buys; the event's id."""
    assert create_user(server, "anna").status_code == 201
    with httpx.Client(base_url=server.url, timeout=30) as client:
        hall = seat_map(rows=ROWS, seats=SEATS_A_ROW)
        assert client.put("/venues/hall", json=hall).status_code == 201
        event = {"venueId": "hall", "name": "Mail", "startsAt": "2099-01-01T20:00:00Z"}
        made = client.post("/events", json=event)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


async def kill_all_in_turn(server: ServerProcess, buyers: Buyers) -> int:
    """While seats are sold; how many processes were killed."""
    kills = 0
    victims: list[Callable[[], psutil.Process]] = [
        lambda: server.job_process,
        lambda: server.valkey,
        lambda: server.child,
    ]
    for round_ in range(1, ROUNDS + 1):
        for place, victim in enumerate(victims):
            share = (round_ - 1 + place / len(victims)) / ROUNDS
            await buyers.have_booked(BOOKINGS * 0.9 * share)
            await asyncio.to_thread(kill_and_see_it_back, victim)
            kills += 1
        if round_ == FLUSH_IN_ROUND:
            await asyncio.to_thread(flush, server)
    return kills


def kill_and_see_it_back(victim: Callable[[], psutil.Process]) -> None:
    died = found(victim)
    died.send_signal(signal.SIGKILL)
    died.wait(20)
    assert found(victim).pid != died.pid


def found(victim: Callable[[], psutil.Process]) -> psutil.Process:
    """It, once it is there."""
    until = monotonic() + BACK_WITHIN_S
    while monotonic() < until:
        with suppress(ValueError, psutil.NoSuchProcess):
            return victim()
        sleep(0.02)
    raise AssertionError("it was not started again")


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


async def all_have_arrived(mails: SmtpServer) -> None:
    """Every confirmation and a welcome; to leave the server its time, each is looked at once."""
    arrived: set[str] = set()
    looked_at = 0
    async with asyncio.timeout(ARRIVED_WITHIN_S):
        while len(arrived) < BOOKINGS + 1:
            new = mails.received[looked_at:]
            looked_at += len(new)
            arrived |= {mail.message_id for mail in new}
            await asyncio.sleep(0.1)


async def sell_and_kill(changes: dict[str, str], mails: SmtpServer) -> tuple[list[str], int]:
    server = ServerProcess(changes)
    try:
        await asyncio.to_thread(server.wait_until_ready)
        await asyncio.to_thread(server.wait_for_line, "doing jobs")
        buyers = Buyers(server.url, await asyncio.to_thread(open_mode, server))
        reading = asyncio.create_task(asyncio.to_thread(server.ended, 400))
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(buyers.buy()) for _ in range(CLIENTS)]
            kills = await kill_all_in_turn(server, buyers)
            await asyncio.wait(clients)
        await all_have_arrived(mails)
        server.signal(signal.SIGTERM)
        assert await reading == 0
    finally:
        server.kill()
    return buyers.booked, kills


def test_every_booking_is_confirmed_whatever_is_killed(
    backend: str, database_url: str, tmp_path: Path
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
        booked, kills = asyncio.run(sell_and_kill(changes, mails))
        received = list(mails.received)
    assert len(set(booked)) == BOOKINGS
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
