"""The OpenAPI document, and the API held against it with data that fits and data that does not."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from tests.conftest import Service, in_process

from event_seating import errors
from event_seating.errors import ServiceError
from event_seating.web import security

EXAMPLES = 60
"""For each operation and kind of data; all of them together take about a minute."""

OPERATION_IDS = {
    "GET /users/{id}": "readUser",
    "POST /users": "createUser",
    "GET /cache-status": "cacheStatus",
    "DELETE /cache": "clearCache",
    "GET /health": "health",
    "GET /health/ready": "ready",
    "GET /metrics": "metrics",
    "GET /venues": "listVenues",
    "POST /venues": "createVenue",
    "GET /venues/{id}": "readVenue",
    "PUT /venues/{id}": "putVenue",
    "GET /venues/{id}/versions/{version}": "readVenueVersion",
    "GET /events": "listEvents",
    "POST /events": "createEvent",
    "GET /events/{id}": "readEvent",
    "PATCH /events/{id}": "changeEvent",
    "GET /events/{id}/seats": "readSeats",
    "GET /events/{id}/changes": "readChanges",
    "GET /events/{id}/seats/{seat}": "readSeat",
    "GET /events/{id}/log": "readLog",
    "GET /events/{id}/bookings": "listBookings",
    "GET /users/{id}/bookings": "listUserBookings",
    "POST /events/{id}/holds": "placeHold",
    "GET /holds/{token}": "readHold",
    "PATCH /holds/{token}": "changeHold",
    "DELETE /holds/{token}": "releaseHold",
    "POST /holds/{token}/extend": "extendHold",
    "POST /holds/{token}/checkout": "freezeHold",
    "DELETE /holds/{token}/checkout": "thawHold",
    "POST /bookings": "book",
    "GET /bookings/{id}": "readBooking",
    "POST /bookings/{id}/cancel": "cancelBooking",
    "POST /bookings/{id}/changes": "changeBooking",
    "POST /events/{id}/blocks": "blockSeats",
    "POST /events/{id}/blocks/release": "releaseBlock",
    "POST /users/import": "importUsers",
    "GET /jobs": "readJobs",
    "GET /jobs/failed": "listFailedJobs",
    "GET /jobs/{id}": "readJob",
    "POST /jobs/{id}/retry": "retryJob",
    "GET /files/{id}": "readFile",
    "POST /reports": "askForReport",
    "GET /webhooks": "listWebhooks",
    "POST /webhooks": "createWebhook",
    "GET /webhooks/{id}": "readWebhook",
    "PATCH /webhooks/{id}": "changeWebhook",
    "DELETE /webhooks/{id}": "deleteWebhook",
    "POST /webhooks/{id}/secret": "rotateWebhookSecret",
    "POST /webhooks/{id}/test": "testWebhook",
    "GET /webhooks/{id}/deliveries": "listDeliveries",
    "GET /webhooks/{id}/deliveries/{delivery}": "readDelivery",
    "POST /webhooks/{id}/deliveries/{delivery}/redeliver": "redeliver",
}
"""Clients are generated from these names: one that changes breaks them."""

NEVER_WRONG = {
    "GET /health",
    "GET /health/ready",
    "GET /venues/{id}",
    "GET /venues/{id}/versions/{version}",
    "GET /events/{id}",
    "GET /events/{id}/seats/{seat}",
}
"""They take nothing, or any text in their path, and no key: no request of theirs has a bad form."""

load_all_checks()
CONFORMANCE = CHECKS.get_by_names([
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "allow_header_conformance",
])  # fmt: skip

BASE_URL = "http://localhost:3001"


@pytest.fixture
def loop(environment: dict[str, str]) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def running(loop: asyncio.Runner) -> Iterator[Service]:
    """The service, on a loop that a test without `async` can use."""

    @asynccontextmanager
    async def service() -> AsyncIterator[Service]:
        async with in_process() as found:
            yield found

    context = service()
    yield loop.run(context.__aenter__())
    loop.run(context.__aexit__(None, None, None))


@pytest.fixture
def document(loop: asyncio.Runner, running: Service) -> dict[str, Any]:
    return dict(loop.run(running.client.get("/openapi.json")).json())


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")


def test_operation_ids_stay_as_they_are(document: dict[str, Any]) -> None:
    found = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert found == OPERATION_IDS


def test_the_codes_of_errors_are_an_enum(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Problem"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    assert set(schemas["ErrorCode"]["enum"]) == {
        error.code for error in ServiceError.every() if error.__module__ == errors.__name__
    }


def test_it_says_which_operations_need_a_key(document: dict[str, Any]) -> None:
    for name in OPERATION_IDS:
        method, path = name.split(" ")
        needs_key = "security" in document["paths"][path][method.lower()]
        assert needs_key == (security.ACCESS[name] > security.Role.anyone)


def matches(template: str, path: str) -> bool:
    """Whether this path is one of the template's."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


@pytest.mark.parametrize("path", sorted({name.split(" ")[1] for name in OPERATION_IDS}))
def test_every_other_method_is_405_and_names_those_there_are(
    loop: asyncio.Runner, running: Service, document: dict[str, Any], path: str
) -> None:
    # `/users/import` is the address of a user, too.
    templates = [each for each in document["paths"] if matches(each, path)]
    there = {method.upper() for each in templates for method in document["paths"][each]}
    there |= {"HEAD"} if "GET" in there else set()
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - there:
        answer = loop.run(running.client.request(method, path.replace("{id}", "1")))
        assert answer.status_code == 405, method
        assert set(answer.headers["allow"].split(", ")) == there


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        (name, mode)
        for name in OPERATION_IDS
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or name not in NEVER_WRONG
    ],
    ids=str,
)
def test_every_answer_is_as_the_document_says(
    loop: asyncio.Runner,
    running: Service,
    document: dict[str, Any],
    name: str,
    mode: GenerationMode,
) -> None:
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    method, path = name.split(" ")
    statuses = set()

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.headers.pop("Authorization", None)  # a key that it invented is never right
        answer = loop.run(send(running.client, case))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CONFORMANCE)

    holds()
    if name == "POST /users":
        fine = mode is GenerationMode.POSITIVE
        assert (201 in statuses) if fine else (400 in statuses), statuses


async def send(client: httpx.AsyncClient, case: schemathesis.Case) -> httpx.Response:
    prepared = requests.Request(**case.as_transport_kwargs(base_url=BASE_URL)).prepare()
    headers = [
        (key.encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1"))
        for key, value in prepared.headers.items()
    ]
    return await client.request(
        str(prepared.method), str(prepared.url), headers=headers, content=prepared.body
    )
