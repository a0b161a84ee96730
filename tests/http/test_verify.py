"""What the API did is what `verify` expects: bodies, rows and the event itself."""

import pytest
from tests.support.seating import KEY, hold, on_sale
from tests.support.service import Service

from event_seating.composition.job_services import stored
from event_seating.maintenance.verify import verify
from event_seating.maintenance.verify_store import event_ids

pytestmark = pytest.mark.anyio


async def test_what_was_sold_over_http_is_what_the_log_says(service: Service) -> None:
    event = await on_sale(service)
    client = service.client
    for number, seats in enumerate((("A-1-1", "A-1-2"), ("A-2-1",), ("A-3-1", "A-3-2"))):
        token = (await hold(service, event, *seats)).json()["holdToken"]
        headers = {"Idempotency-Key": f"{KEY} {number}"}
        for _ in range(2):
            answer = await client.post("/bookings", json={"holdToken": token}, headers=headers)
            assert answer.status_code == 201, answer.text
    cancelled = await client.post(f"/bookings/{answer.json()['id']}/cancel")
    assert cancelled.status_code < 300, cancelled.text
    await hold(service, event, "A-4-1")
    paused = await client.patch(f"/events/{event}", json={"status": "paused"})
    assert paused.status_code == 200, paused.text
    async with stored(service.parts.settings) as (database, load_index):
        assert [each async for each in event_ids(database)] == [event]
        assert await verify(database, event, load_index, grace_ms=60_000) == []


async def test_an_events_row_that_sells_by_something_else_is_named(service: Service) -> None:
    event = await on_sale(service)
    async with stored(service.parts.settings) as (database, load_index):
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE events SET configured_version = 7")
        (line,) = await verify(database, event, load_index, grace_ms=60_000)
    assert line == "the event's row sells by another configuration than the log"
