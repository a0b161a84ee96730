"""An event on sale in a small hall, and its seats."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from tests.support.service import Service

from event_seating.booking.core.commands import Configure
from event_seating.booking.core.records import SaleRules
from event_seating.booking.seat_log.submission import Submission

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


async def put_on_sale(client: httpx.AsyncClient, hall: Mapping[str, Any], **fields: Any) -> str:
    """The id of an event in this hall, on sale; whoever calls may make it."""
    venue = await client.put(f"/venues/{hall['venueId']}", json=hall)
    assert venue.status_code in {200, 201}, venue.text
    event = {"venueId": hall["venueId"], "name": "Concert", "startsAt": "2096-10-02T07:06:40Z"}
    created = await client.post("/events", json=event | fields)
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


async def on_sale(service: Service, *, floor: int = 50, **rules: Any) -> str:
    """The same in the hall of these tests, with a second type of ticket."""
    prices = {"1": {"standard": "45.00", "reduced": "30.00"}}
    event = await put_on_sale(service.client, seat_map(floor=floor), prices=prices)
    if rules:
        await _set_rules(service, event, SaleRules(**rules))
    return event


async def on_sale_by(service: Service, key: str) -> str:
    """An event that the operator made with this key; whoever calls after that is a buyer."""
    service.client.headers["authorization"] = f"Bearer {key}"
    event = await on_sale(service)
    del service.client.headers["authorization"]
    return event


async def _set_rules(service: Service, event: str, rules: SaleRules) -> None:
    """Past the bounds of the API, so that a hold may run out in a millisecond."""
    log = await service.parts.seat_logs.get(event)
    assert log.states.configuration is not None
    configuration = msgspec.structs.replace(log.states.configuration, rules=rules)
    await log.submit(Submission(Configure(configuration)))


async def hold(service: Service, event: str, *seats: str, **more: Any) -> httpx.Response:
    """Hold these seats."""
    return await service.client.post(
        f"/events/{event}/holds", json={"seats": list(seats)} if seats else more
    )


async def statuses(service: Service, event: str) -> dict[str, int]:
    """How many seats have which status."""
    log = await service.parts.seat_logs.get(event)
    return log.states.counts()
