"""An event for the tests of the booking routes: a small house on sale."""

from typing import Any

import httpx
import msgspec
from sqlalchemy import insert
from tests.conftest import Service

from event_seating.booking import ids
from event_seating.booking.log import Submission
from event_seating.booking.records import Configuration, Rules
from event_seating.booking.requests import Configure
from event_seating.db.tables import events

KEY = "an-idempotency-key-that-is-long"


def seat_map(rows: int = 4, seats: int = 10, floor: int = 50) -> dict[str, Any]:
    """Section A with its rows, and a standing floor."""
    return {
        "venueId": "hall",
        "name": "Hall",
        "map": {"width": 400, "height": 300},
        "priceTiers": {
            "1": {"price": 45, "label": "Seated"},
            "2": {"price": 30.5, "label": "Standing"},
        },
        "sections": [
            {
                "id": "A",
                "label": "Section A",
                "transform": {"x": 0, "y": 0, "scale": 1},
                "rows": [
                    {
                        "index": row,
                        "seats": [
                            {
                                "id": f"A-{row}-{col}",
                                "col": col,
                                "x": 20 + col * 10,
                                "y": 20 + row * 15,
                                "priceTier": 1,
                                "status": "available",
                            }
                            for col in range(1, seats + 1)
                        ],
                    }
                    for row in range(1, rows + 1)
                ],
            }
        ],
        "areas": [
            {"id": "floor", "label": "Floor", "capacity": floor, "priceTier": 2,
             "x": 10, "y": 200, "width": 100, "height": 50}
        ],
    }  # fmt: skip


async def on_sale(service: Service, **rules: Any) -> str:
    """The id of an event in that house, on sale."""
    body = msgspec.json.encode(seat_map())
    headers = {"content-type": "application/json"}
    made = await service.client.put("/venues/hall", content=body, headers=headers)
    assert made.status_code in {200, 201}, made.text
    event = ids.new_event_id()
    async with service.parts.database.write() as connection:
        await connection.execute(
            insert(events),
            {
                "id": event,
                "venue_id": "hall",
                "venue_version": 1,
                "name": "Concert",
                "starts_at_ms": 4_000_000_000_000,
                "time_zone": "UTC",
                "currency": "EUR",
                "epoch": "e1",
                "buyer_secret": b"secret",
                "created_at_ms": 1,
            },
        )
    log = await service.parts.seat_logs.get(event)
    configuration = Configuration(
        currency="EUR",
        prices={"1": {"standard": 4500, "reduced": 3000}, "2": {"standard": 3050}},
        rules=Rules(**rules),
    )
    await log.submit(Submission(Configure(configuration), lambda _batch, _entry: (201, b"")))
    return event


async def hold(service: Service, event: str, *seats: str, **more: Any) -> httpx.Response:
    """Hold these seats."""
    return await service.client.post(
        f"/events/{event}/holds", json={"seats": list(seats)} if seats else more
    )


async def statuses(service: Service, event: str) -> dict[str, int]:
    """How many seats have which status."""
    log = await service.parts.seat_logs.get(event)
    return log.states.counts()
