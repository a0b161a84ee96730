"""Each example of the OpenAPI document is sent, and each call of it answered once as it says.

The document holds every answer of every HTTP test (`tests/support/document.py`); here it is seen
that none of its calls is left out.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from tests.support.document import Answered, Document, Operation, document_of
from tests.support.service import Service, in_process

from event_seating.booking.api.examples import EVENT_ID, HOLD_TOKEN
from event_seating.db.tables import outbox
from event_seating.jobs import files
from event_seating.users.import_file import CSV, NDJSON

pytestmark = pytest.mark.anyio

USER = {"id": "1", "name": "John Doe", "email": "john@example.com"}


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    """Without limits: all of it takes more calls than a buyer may make in a minute."""
    async with in_process(seating_rate_limits="off") as running:
        yield running


@pytest.fixture
async def document(service: Service) -> Document:
    return document_of(service.parts)


def bodies(operation: Operation) -> list[tuple[str, Any]]:
    """The examples of an operation's body, each with its media type."""
    content = operation.described.get("requestBody", {}).get("content", {})
    return [
        (media_type, example["value"])
        for media_type, media in content.items()
        for example in media.get("examples", {}).values()
    ]


async def test_each_body_has_an_example_that_fits_its_schema(document: Document) -> None:
    for operation in document.operations:
        content = operation.described.get("requestBody", {}).get("content", {})
        for media_type, media in content.items():
            assert media.get("examples"), f"{operation.name} {media_type}"
            for example in media["examples"].values():
                assert example["summary"]
                document.validate(media["schema"], example["value"], operation.name)


class Club:
    """The club of the examples, with all that their paths and bodies may name."""

    def __init__(self, service: Service, document: Document) -> None:
        self._client = service.client
        self._document = document
        self._places = 0

    async def send(self, method: str, path: str, media_type: str, body: Any) -> Any:
        """Send a body and read the answer."""
        content = body if isinstance(body, str) else json.dumps(body)
        answer = await self._client.request(
            method, path, content=content, headers={"content-type": media_type}
        )
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def post(self, path: str, body: Any) -> Any:
        return await self.send("POST", path, "application/json", body)

    async def example(self, operation: Operation, media_type: str, body: Any) -> Any:
        """Send an example, with what there is in place of what it names."""
        method, path = operation.name.split(" ")
        names = await self.names(path)
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        if isinstance(body, dict):
            if "holdToken" in body:
                held = await self.held(await self.event())
                body = body | {"holdToken": held["holdToken"], "expectedTotal": held["total"]}
            if "eventId" in body:
                body = body | {"eventId": await self.event()}
        return await self.send(method, path, media_type, body)

    async def names(self, path: str) -> dict[str, str]:
        """What stands for the names in a path."""
        if path.startswith("/events/{id}"):
            return {"id": await self.event()}
        if path.startswith("/holds/"):
            return {"token": await self.hold(await self.event())}
        if path.startswith("/bookings/"):
            token = await self.hold(await self.event())
            return {"id": (await self.post("/bookings", {"holdToken": token}))["id"]}
        if path.startswith("/webhooks/"):
            (_, new), *_ = bodies(self.of("POST /webhooks"))
            return {"id": (await self.post("/webhooks", new))["id"]}
        return {"id": "club"}

    async def event(self) -> str:
        (_, new), *_ = bodies(self.of("POST /events"))
        return str((await self.post("/events", new))["id"])

    async def held(self, event: str) -> Any:
        (_, new), *_ = bodies(self.of("POST /events/{id}/holds"))
        return await self.post(f"/events/{event}/holds", new)

    async def hold(self, event: str) -> str:
        return str((await self.held(event))["holdToken"])

    def of(self, name: str) -> Operation:
        return next(each for each in self._document.operations if each.name == name)


@pytest.fixture
async def club(service: Service, document: Document) -> Club:
    found = Club(service, document)
    (_, seat_map), *_ = bodies(found.of("POST /venues"))
    await found.send("PUT", "/venues/club", "application/json", seat_map)
    await found.post("/users", USER)
    return found


async def test_each_example_can_be_sent(document: Document, club: Club) -> None:
    for operation in document.operations:
        for media_type, body in bodies(operation):
            if operation.name == "POST /venues":
                body = body | {"venueId": "another"}  # noqa: PLW2901
            await club.example(operation, media_type, body)


async def test_the_ids_of_the_examples_are_those_of_the_page(document: Document) -> None:
    text = json.dumps(document.content)
    assert EVENT_ID in text
    assert HOLD_TOKEN in text


async def file_of(service: Service) -> str:
    """A file as a job leaves one."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"line,reason\r\n"

    now_ms = service.parts.clock.now_ms()
    database = service.parts.database
    return await files.spool(database, "refused.csv", CSV, pieces(), now_ms, now_ms + 60_000)


async def failed_job(service: Service, club: Club) -> str:
    """A job that failed for good."""
    asked = await club.post("/reports", {"eventId": await club.event(), "kind": "sales"})
    async with service.parts.database.write() as connection:
        await connection.execute(
            update(outbox).where(outbox.c.id == asked["id"]).values(failed_at_ms=1, error="no")
        )
    return str(asked["id"])


async def test_each_call_is_answered_as_the_document_says(
    service: Service, document: Document, club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = set()
    check = document.check

    def noted(method: str, path: str, answer: Answered) -> None:
        check(method, path, answer)
        operation = document.operation(method, path)
        if operation is not None and answer.status < 300:
            answered.add(operation.name)

    monkeypatch.setattr(document, "check", noted)
    for operation in document.operations:
        for media_type, body in bodies(operation):
            if operation.name != "POST /venues":
                await club.example(operation, media_type, body)
    await read_what_there_is(service, club)
    await change_what_has_no_body(service, club)
    assert answered == {each.name for each in document.operations} - {"POST /venues"}


async def read_what_there_is(service: Service, club: Club) -> None:
    get, event = service.client.get, await club.event()
    token = await club.hold(event)
    await club.send("PATCH", f"/holds/{token}", "application/json", {"remove": {"seats": ["A1"]}})
    total = (await get(f"/holds/{token}")).json()["total"]
    sale = {"holdToken": token, "userId": "1", "expectedTotal": total}
    booking = (await club.post("/bookings", sale))["id"]
    take = {"take": {"seats": ["A4"]}}
    await club.post(f"/bookings/{booking}/changes?dryRun=true", take)
    await club.post(f"/bookings/{booking}/changes", take)
    await club.post(f"/events/{event}/blocks", {"seats": ["A3"], "reason": "cameras"})
    await club.post(f"/events/{event}/blocks/release", {"seats": ["A3"]})
    await get(f"/bookings/{booking}")
    await club.post(f"/bookings/{booking}/cancel", {"reason": "ill"})
    for path in ("", "/seats", "/seats?format=compact", "/seats/A4", "/log", "/bookings",
                 "/changes?since=1"):  # fmt: skip
        await get(f"/events/{event}{path}")
    for accept in (CSV, NDJSON):
        await get(f"/events/{event}/bookings", headers={"accept": accept})
    await get(f"/events/{event}/log", headers={"accept": NDJSON})
    asked = await club.post("/reports", {"eventId": event, "kind": "sales"})
    for path in ("/venues", "/venues/club", "/venues/club/versions/1", "/events", "/users/1",
                 "/users/1/bookings", "/jobs", "/jobs/failed", f"/jobs/{asked['id']}", "/health",
                 "/cache-status", "/health/ready", "/metrics", f"/files/{await file_of(service)}",
                 ):  # fmt: skip
        assert (await get(path)).status_code == 200, path


async def change_what_has_no_body(service: Service, club: Club) -> None:
    post, delete = service.client.post, service.client.delete
    token = await club.hold(await club.event())
    await post(f"/holds/{token}/extend")
    await post(f"/holds/{token}/checkout")
    await delete(f"/holds/{token}/checkout")
    await delete(f"/holds/{token}")
    await delete("/cache")
    await post(f"/jobs/{await failed_job(service, club)}/retry")
    (_, new), *_ = bodies(club.of("POST /webhooks"))
    webhook = f"/webhooks/{(await club.post('/webhooks', new))['id']}"
    await post(f"{webhook}/secret")
    delivery = (await post(f"{webhook}/test")).json()["id"]
    for path in ("/webhooks", webhook, f"{webhook}/deliveries", f"{webhook}/deliveries/{delivery}"):
        await service.client.get(path)
    await post(f"{webhook}/deliveries/{delivery}/redeliver")
    await delete(webhook)
