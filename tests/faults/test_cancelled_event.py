"""An event is cancelled while the process that winds it up is killed: nobody is left behind."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from tests.http.seating import seat_map
from tests.jobs import until
from tests.process import ServerProcess, settings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

BOOKINGS = 1_200
"""Three rows of the log, and as many mails."""


async def sell(http: httpx.AsyncClient) -> str:
    made = await http.put("/venues/hall", json=seat_map(rows=1, seats=2, floor=BOOKINGS + 10))
    assert made.status_code == 201, made.text
    body = {"venueId": "hall", "name": "Concert", "startsAt": "2096-10-02T07:06:40Z"}
    event = str((await http.post("/events", json=body)).json()["id"])
    user = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    assert (await http.post("/users", json=user)).status_code == 201
    one = {"eventId": event, "areas": {"floor": 1}, "from": ["available"], "userId": "anna"}
    for _ in range(BOOKINGS // 100):
        answers = await asyncio.gather(*(http.post("/bookings", json=one) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {201}
    held = await http.post(f"/events/{event}/holds", json={"seats": ["A-1-1"]})
    assert held.status_code == 201
    return event


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

            async def are_told() -> bool:
                queues = (await http.get("/jobs")).json()["queues"]
                return all(each["waiting"] == each["active"] == 0 for each in queues)

            await until(are_told, 90)
        letters = [each.read_bytes() for each in (tmp_path / "mail").glob("*.eml")]
        assert sum(b"Subject: Cancelled: Concert" in each for each in letters) == BOOKINGS
    finally:
        server.kill()
