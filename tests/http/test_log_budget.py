"""What callers without a key may add to the log, and what it says to who has added enough."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.support.seating import on_sale_by
from tests.support.service import Service, in_process

from event_seating.booking.api import log_budget
from event_seating.booking.api.log_budget import LogBudget

pytestmark = pytest.mark.anyio

ADMIN = "an-admin-key-of-the-test-only"
BUDGET_BYTES = 20_000


@pytest.fixture
async def service(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """Behind a proxy, with a budget of some dozen holds."""
    monkeypatch.setattr("event_seating.composition.server_services.BYTES_PER_MB", BUDGET_BYTES)
    async with in_process(
        trusted_proxies="192.0.2.1", log_mb_per_address=1, admin_api_key=ADMIN
    ) as running:
        yield running


@pytest.fixture
async def event(service: Service) -> str:
    return await on_sale_by(service, ADMIN)


async def call(
    service: Service, method: str, path: str, address: str, **more: Any
) -> httpx.Response:
    headers = {"x-forwarded-for": address, "idempotency-key": secrets.token_hex(100)}
    headers |= more.pop("headers", {})
    return await service.client.request(method, path, headers=headers, **more)


async def spend(service: Service, event: str, address: str) -> list[httpx.Response]:
    """Hold and give back, until that is refused."""
    answers = []
    for _ in range(200):
        answer = await call(
            service, "POST", f"/events/{event}/holds", address, json={"seats": ["A-1-1"]}
        )
        answers.append(answer)
        if answer.status_code != 201:
            return answers
        token = answer.json()["holdToken"]
        assert (await call(service, "DELETE", f"/holds/{token}", address)).status_code == 204
    raise AssertionError("there is no bound")


async def stored_bytes(service: Service) -> int:
    async with service.parts.database.read() as connection:
        log = await connection.execute(text("SELECT sum(length(entries)) FROM seat_log"))
        return int(log.scalar_one())


async def test_one_address_adds_so_much_an_hour_and_is_told_when_to_come_again(
    service: Service, event: str
) -> None:
    before = await stored_bytes(service)
    *granted, refused = await spend(service, event, "198.51.100.1")
    assert len(granted) >= 10
    assert (refused.status_code, refused.json()["code"]) == (429, "log_budget_spent")
    assert refused.headers["retry-after"] == str(refused.json()["retryAfter"])
    assert 0 < refused.json()["retryAfter"] <= 2 * log_budget.WINDOW_S
    assert "key" in refused.json()["error"]
    assert await stored_bytes(service) - before < BUDGET_BYTES
    other = await call(
        service, "POST", f"/events/{event}/holds", "203.0.113.9", json={"seats": ["A-1-2"]}
    )
    assert other.status_code == 201, "another address has its own"
    metrics = await service.client.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
    assert "log_budget_refused_total 1.0" in metrics.text


async def test_who_has_spent_it_still_gives_back_and_reads(service: Service, event: str) -> None:
    address = "198.51.100.1"
    kept = await call(
        service, "POST", f"/events/{event}/holds", address, json={"seats": ["A-2-1", "A-2-2"]}
    )
    await spend(service, event, address)
    path = f"/holds/{kept.json()['holdToken']}"
    for method, under, body in (
        ("PATCH", "", {"remove": {"seats": ["A-2-1"]}}),
        ("POST", "/extend", None),
    ):
        answer = await call(service, method, path + under, address, json=body)
        assert (answer.status_code, answer.json()["code"]) == (429, "log_budget_spent")
    assert (await call(service, "GET", path, address)).status_code == 200
    assert (await call(service, "POST", f"{path}/checkout", address)).status_code == 200
    assert (await call(service, "DELETE", f"{path}/checkout", address)).status_code == 200
    assert (await call(service, "DELETE", path, address)).status_code == 204


async def test_the_box_office_has_no_budget(service: Service, event: str) -> None:
    address = "198.51.100.1"
    await spend(service, event, address)
    headers = {"authorization": f"Bearer {ADMIN}"}
    for seat in range(1, 11):
        answer = await call(
            service, "POST", f"/events/{event}/holds", address,
            json={"seats": [f"A-3-{seat}"]}, headers=headers,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text


async def test_what_is_charged_is_no_less_than_what_is_written(
    service: Service, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    charged: list[int] = []
    budget = service.parts.bookings._log_budget
    assert isinstance(budget, LogBudget)
    assert budget._bytes is not None
    monkeypatch.setattr(budget._bytes, "charge", lambda _client, size: charged.append(size))
    before = await stored_bytes(service)
    for seats in (["A-1-1"], [f"A-2-{n}" for n in range(1, 9)]):
        answer = await call(
            service, "POST", f"/events/{event}/holds", "198.51.100.1", json={"seats": seats}
        )
        path = f"/holds/{answer.json()['holdToken']}"
        await call(service, "POST", f"{path}/checkout", "198.51.100.1")
        await call(service, "DELETE", f"{path}/checkout", "198.51.100.1")
        await call(service, "DELETE", path, "198.51.100.1")
    assert len(charged) == 6
    assert sum(charged) >= await stored_bytes(service) - before + 8 * log_budget.ROW_BYTES
