"""An event is cancelled while the process that winds it up is killed: nobody is left behind."""

import asyncio
import signal
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.support.process import ServerProcess, settings
from tests.support.seating import put_on_sale, seat_map
from tests.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.anyio, pytest.mark.timeout(240)]

BOOKINGS = 900
"""More than one row of the log takes, and fewer than the letters that are kept."""


async def sell(http: httpx.AsyncClient) -> str:
    event = await put_on_sale(http, seat_map(rows=1, seats=2, floor=BOOKINGS + 10))
    user = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    assert (await http.post("/users", json=user)).status_code == 201
    one = {"eventId": event, "areas": {"floor": 1}, "from": ["available"], "userId": "anna"}
    for _ in range(BOOKINGS // 100):
        answers = await asyncio.gather(*(http.post("/bookings", json=one) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {201}
    held = await http.post(f"/events/{event}/holds", json={"seats": ["A-1-1"]})
    assert held.status_code == 201
    return event


def told(letters: Path) -> int:
    """How many letters say that the concert is cancelled."""
    found = 0
    for each in letters.glob("*.eml"):
        with suppress(FileNotFoundError):  # it may have just got its last name
            found += b"Subject: Cancelled: Concert" in each.read_bytes()
    return found


async def test_whatever_is_killed_everything_is_given_back_and_each_buyer_gets_one_mail(
    tmp_path: Path,
) -> None:
    server = ServerProcess(settings(tmp_path, SEATING_RATE_LIMITS="off"))
    try:
        server.wait_until_ready()
        # Somebody must read what it says, or it waits for that.
        threading.Thread(target=lambda: list(server._read()), daemon=True).start()
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            event = await sell(http)
            answer = await http.post(f"/events/{event}/cancel", json={"notify": True})
            assert answer.status_code == 202
            server.job_process.kill()
            where = answer.headers["location"]

            async def is_done() -> bool:
                return bool((await http.get(where)).json()["state"] == "completed")

            await until(is_done, 90)
            counts = (await http.get(f"/events/{event}/seats")).json()["counts"]
            # This process wrote none of those rows, and nobody watches the event.
            assert counts == {"available": BOOKINGS + 12, "held": 0, "booked": 0, "blocked": 0}
            bookings = await http.get(
                f"/events/{event}/bookings?status=confirmed", headers={"accept": "application/json"}
            )
            assert bookings.json()["items"] == []

            # The queues may be empty for a moment while there is more to be put into them.
            async def are_told() -> bool:
                return told(tmp_path / "mail") >= BOOKINGS

            await until(are_told, 90)
            server.signal(signal.SIGTERM)
            server.ended()
        assert told(tmp_path / "mail") == BOOKINGS
    finally:
        server.kill()
