"""The OpenAPI document, and the API held against it with data that fits and data that does not."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from tests.support.declared import endpoints
from tests.support.document import Answered, Document, pattern
from tests.support.service import Service, client_of, in_process, isolate

from event_seating.booking.errors import Refused
from event_seating.errors import ServiceError
from event_seating.web import problem
from event_seating.web.roles import Role

FEW, MANY = 6, 60
EXAMPLES = [
    pytest.param(FEW, id=f"{FEW} examples"),
    pytest.param(MANY, id=f"{MANY} examples", marks=pytest.mark.long),
]
"""For each operation and kind of data. The few have a seed, and differ all the same.

Hypothesis draws from the texts and numbers of the modules that are loaded, too.
"""

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
    "POST /events/{id}/cancel": "cancelEvent",
    "POST /events/{id}/holds/release": "releaseHolds",
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


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[asyncio.Runner]:
    with pytest.MonkeyPatch.context() as monkeypatch, asyncio.Runner() as runner:
        isolate(monkeypatch, tmp_path_factory.mktemp("document"))
        yield runner


@pytest.fixture(scope="module")
def running(loop: asyncio.Runner) -> Iterator[Service]:
    """The service, on a loop that a test without `async` can use."""
    context = in_process()
    yield loop.run(context.__aenter__())
    loop.run(context.__aexit__(None, None, None))


@pytest.fixture
def client(loop: asyncio.Runner, running: Service) -> Iterator[httpx.AsyncClient]:
    """Each test asks from an address of its own: wrong keys are counted there."""
    client = client_of(running.app, f"203.0.{next(ADDRESSES)}.1")
    yield client
    loop.run(client.aclose())


ADDRESSES = count(1)


@pytest.fixture(scope="module")
def document(loop: asyncio.Runner, running: Service) -> dict[str, Any]:
    """The document as it is served."""
    document: dict[str, Any] = loop.run(running.client.get("/openapi.json")).json()
    return document


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
        error.code
        for error in ServiceError.every()
        if error.__module__.startswith("event_seating.")
    }


def test_it_says_which_operations_need_a_key(document: dict[str, Any]) -> None:
    declared = endpoints()
    for name in OPERATION_IDS:
        method, path = name.split(" ")
        needs_key = "security" in document["paths"][path][method.lower()]
        assert needs_key == (declared[name].access > Role.anyone)


BODILESS = {"204", "304"}


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each content of a body or an answer, with where it stands."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{name} {media_type}", media
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                assert content or status in BODILESS, f"{name} {status}"
                for media_type, media in content.items():
                    yield f"{name} {status} {media_type}", media


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Each object with fields of its own in a schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each)
    elif isinstance(schema, dict):
        if "properties" in schema and isinstance(schema["properties"], dict):
            yield schema
        for name, value in schema.items():
            if name not in {"examples", "example", "default"}:
                yield from objects(value)


def test_every_body_and_answer_has_a_schema(document: dict[str, Any]) -> None:
    for name, media in contents(document):
        assert media.get("schema"), name


def test_every_object_has_a_name_and_no_two_are_twins(document: dict[str, Any]) -> None:
    for name, media in contents(document):
        assert not list(objects(media["schema"])), name
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        assert len(list(objects(schema))) <= 1, f"{name} has an object without a name in it"
        assert schema.get("description"), f"{name} says nothing of itself"
    same = Counter(json.dumps(schema["properties"], sort_keys=True)
                   for schema in schemas.values() if "properties" in schema)  # fmt: skip
    assert max(same.values()) == 1


def test_each_reference_leads_to_a_schema_and_each_schema_is_used(
    document: dict[str, Any],
) -> None:
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)))
    assert used == named


def test_no_parameter_can_be_null(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                assert {"type": "null"} not in parameter["schema"].get("anyOf", ())


def test_it_says_where_the_server_is(document: dict[str, Any]) -> None:
    assert [server["url"] for server in document["servers"]] == ["/"]


def test_tables_and_lines_are_among_the_media_types(document: dict[str, Any]) -> None:
    def answered(path: str) -> set[str]:
        return set(document["paths"][path]["get"]["responses"]["200"]["content"])

    assert answered("/events/{id}/bookings") == {
        "application/json", "text/csv", "application/x-ndjson"
    }  # fmt: skip
    assert answered("/events/{id}/log") == {"application/json", "application/x-ndjson"}
    assert answered("/files/{id}") == {"text/csv"}


def test_each_refusal_is_an_error_with_its_status(document: dict[str, Any]) -> None:
    existing = {error.code: error.status for error in ServiceError.every()}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                codes = response.get(problem.CODES, [])
                assert len(codes) == len(set(codes)), path
                assert all(existing[code] == int(status) for code in codes), path
                assert all(f"`{code}`" in response["description"] for code in codes), path


def test_each_body_may_be_refused_when_all_bodies_take_too_much_memory(
    document: dict[str, Any],
) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            codes = operation["responses"].get("503", {}).get(problem.CODES, [])
            assert "too_busy" in codes or method == "get", path


def test_each_refusal_of_the_rules_is_one_of_a_route(document: dict[str, Any]) -> None:
    declared = {
        code
        for operations in document["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
        for code in response.get(problem.CODES, ())
    }
    assert declared >= {error.code for error in Refused.__subclasses__()}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (409, {"error": "x", "code": "no_block", "requestId": "1"}, "refusal no_block"),
        (409, {"error": "x", "code": "sold_out", "requestId": "1", "why": 1}, "why"),
        (418, {"error": "x", "code": "sold_out", "requestId": "1"}, "declare 418"),
        (200, {"seats": ["A1"]}, "areas"),
    ],
)
def test_an_answer_that_the_document_does_not_declare_is_noticed(
    document: dict[str, Any], status: int, body: dict[str, Any], message: str
) -> None:
    answer = Answered(status, "application/json", json.dumps(body).encode())
    with pytest.raises(AssertionError, match=message):
        Document(document).check("PATCH", "/holds/current", answer)


@pytest.mark.parametrize("path", sorted({name.split(" ")[1] for name in OPERATION_IDS}))
def test_every_other_method_is_405_and_names_those_there_are(
    loop: asyncio.Runner, running: Service, document: dict[str, Any], path: str
) -> None:
    # `/users/import` is the address of a user, too.
    templates = [each for each in document["paths"] if pattern(each).fullmatch(path)]
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
@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_answer_is_as_the_document_says(
    loop: asyncio.Runner,
    client: httpx.AsyncClient,
    document: dict[str, Any],
    name: str,
    mode: GenerationMode,
    examples: int,
) -> None:
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    method, path = name.split(" ")
    statuses = set()

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=examples == FEW,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.headers.pop("Authorization", None)  # a key that it invented is never right
        answer = loop.run(send(client, case))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CONFORMANCE)

    holds()
    if name == "POST /users" and examples == MANY:
        # A tenth of what fits makes a user, a fifth of what does not is wrong in its body.
        assert (201 if mode is GenerationMode.POSITIVE else 400) in statuses, statuses


async def send(client: httpx.AsyncClient, case: schemathesis.Case) -> httpx.Response:
    prepared = requests.Request(**case.as_transport_kwargs(base_url=BASE_URL)).prepare()
    headers = [
        (key.encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1"))
        for key, value in prepared.headers.items()
    ]
    return await client.request(
        str(prepared.method), str(prepared.url), headers=headers, content=prepared.body
    )
