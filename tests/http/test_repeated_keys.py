"""Of a JSON key that is given twice the last counts, in every kind of body."""

import json

import pytest
from tests.support.seat_maps import seat_map
from tests.support.service import Service

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def test_of_a_key_that_is_given_twice_the_last_counts(service: Service) -> None:
    async def post(path: str, body: str) -> dict[str, object]:
        answer = await service.client.post(path, content=body.encode(), headers=JSON)
        assert answer.is_success, answer.text
        found: dict[str, object] = answer.json()
        return found

    user = '{"id": "1", "id": "2", "name": "A", "name": "B", "email": "b@example.com"}'
    created = await post("/users", user)
    assert (created["id"], created["name"]) == ("2", "B")
    seating = '{"name": "First", ' + json.dumps(seat_map())[1:]
    assert (await post("/venues", seating))["name"] == "Club"
    event = (
        '{"venueId": "none", "venueId": "club", "name": "x", "startsAt": "2096-05-04T19:00:00Z"}'
    )
    event_id = (await post("/events", event))["id"]
    held = await post(f"/events/{event_id}/holds", '{"seats": ["A-1-01"], "seats": ["A-1-02"]}')
    assert held["seats"] == ["A-1-02"]
