"""The calls that every sale passes are answered the same, the short way and through FastAPI."""

from typing import Any

import httpx
import pytest
from tests.support.declared import endpoints
from tests.support.seating import KEY, on_sale
from tests.support.service import Service

from event_seating.composition import http_app

pytestmark = pytest.mark.anyio

NOT_COMPARED = {"x-request-id", "ratelimit", "set-cookie", "content-length"}
"""Of each call its own, or as long as what is."""


def through_fastapi(service: Service) -> httpx.AsyncClient:
    edge = http_app.build(service.parts)
    edge._app = http_app.api(service.parts).app
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(edge, client=("192.0.2.1", 1)),
        base_url="http://localhost:3001",
    )


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/events/{event}/holds", {"json": {"seats": ["A-1-1"]}}),
    ("POST", "/events/{event}/holds", {"json": {"seats": ["A-9-9"]}}),
    ("POST", "/events/{event}/holds", {"json": {"seats": "A-1-1"}}),
    ("POST", "/events/{event}/holds", {"json": {"seats": ["A-1-1"], "more": 1}}),
    ("POST", "/events/{event}/holds", {"content": b"{", "headers": {"content-type": "text/x"}}),
    ("POST", "/events/{event}/holds", {"json": {}, "headers": {"idempotency-key": "k" * 300}}),
    ("POST", "/events/nowhere/holds", {"json": {"seats": ["A-1-1"]}}),
    ("POST", "/events/{event}/holds", {"json": {"seats": []}, "headers": {"authorization": "x"}}),
    ("GET", "/events/{event}/holds", {}),
    ("POST", "/events/{event}/holds/", {"json": {"seats": ["A-1-1"]}}),
    ("POST", "/bookings", {"json": {"holdToken": "nothing"}}),
    ("POST", "/bookings", {"json": {"userId": "nobody", "holdToken": "x"}}),
    ("PATCH", "/holds/{event}", {"json": {"add": {"seats": ["A-1-1"]}}}),
    ("PATCH", "/holds/current", {"json": {}, "headers": {"seat-hold-token": "t" * 300}}),
    ("DELETE", "/holds/{event}", {}),
    ("DELETE", "/holds/current", {}),
    ("PUT", "/holds/{event}", {"json": {}}),
]


@pytest.mark.shared_service
@pytest.mark.parametrize(("method", "path", "more"), CALLS)
async def test_both_ways_answer_the_same(
    service: Service, method: str, path: str, more: dict[str, Any]
) -> None:
    event = await on_sale(service)
    answers = []
    async with through_fastapi(service) as long_way:
        for client in (long_way, service.client):
            answer = await client.request(method, path.format(event=event), **more)
            headers = {
                name: value for name, value in answer.headers.items() if name not in NOT_COMPARED
            }
            body = answer.json()
            if answer.status_code == 201:
                given_back = await service.client.delete(f"/holds/{body['holdToken']}")
                assert given_back.status_code == 204
                assert "buyer=" in answer.headers.get("set-cookie", "")
            answers.append(
                (answer.status_code, headers, body.get("code"), body.get("error"), sorted(body))
            )
    assert answers[0] == answers[1]


async def test_a_whole_sale_goes_the_short_way(service: Service) -> None:
    event = await on_sale(service)
    client = service.client
    held = await client.post(
        f"/events/{event}/holds",
        json={"seats": ["A-1-1"]},
        headers={"idempotency-key": KEY},
    )
    again = await client.post(
        f"/events/{event}/holds",
        json={"seats": ["A-1-1"]},
        headers={"idempotency-key": KEY},
    )
    assert again.json() == held.json()
    assert again.headers["idempotency-replayed"] == "true"
    token = held.json()["holdToken"]
    changed = await client.patch(f"/holds/{token}", json={"add": {"seats": ["A-1-2"]}})
    assert changed.json()["seats"] == ["A-1-1", "A-1-2"]
    agreed = changed.json()["total"]
    booked = await client.post("/bookings", json={"holdToken": token, "expectedTotal": agreed})
    assert booked.status_code == 201
    metrics = service.parts.metrics.render("")[0].decode()
    hot = [endpoint for endpoint in endpoints().values() if endpoint.hot]
    assert len(hot) == 4
    for endpoint in hot:
        method, path = endpoint.method, endpoint.template
        counted = f'http_request_duration_seconds_count{{method="{method}",route="{path}"'
        assert (counted in metrics) == (method != "DELETE")


async def test_a_box_office_route_refuses_others_the_short_way(
    environment: dict[str, str],
) -> None:
    from tests.support.service import in_process  # noqa: PLC0415

    async with in_process(app_env="production", admin_api_key="k" * 24) as service:
        refused = await service.client.post("/bookings", json={"holdToken": "x"})
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthorized"
    assert refused.headers["www-authenticate"] == "Bearer"
