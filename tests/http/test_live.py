"""Changes of an event's seats by long poll, and which WebSockets are admitted."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from tests.support.seating import hold, on_sale
from tests.support.service import Service, in_process

from event_seating.composition import http_app
from event_seating.web.edge import Edge

pytestmark = pytest.mark.anyio


async def changes(service: Service, event: str, query: str = "") -> httpx.Response:
    return await service.client.get(f"/events/{event}/changes{query}")


async def test_what_changed_already_is_answered_at_once(service: Service) -> None:
    event = await on_sale(service)
    await hold(service, event, "A-1-1", "A-1-2")
    answer = await changes(service, event, "?since=1&wait=30")
    assert answer.status_code == 200
    assert answer.json() == {"version": 2, "changes": {"A-1-1": "held", "A-1-2": "held"}}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_who_waits_is_answered_when_something_changes(service: Service) -> None:
    event = await on_sale(service)
    waiting = asyncio.create_task(changes(service, event, "?since=1"))
    await watched(service, 1)
    await service.client.post(f"/events/{event}/holds", json={"areas": {"floor": 3}})
    assert (await waiting).json() == {
        "version": 2,
        "areas": {"floor": {"available": 47, "held": 3, "booked": 0, "blocked": 0}},
    }


async def watched(service: Service, by: int) -> None:
    """Wait until so many watch."""
    for _ in range(5_000):
        if service.parts.live.watcher_limits.watching == by and service.parts.live.watched:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("nobody watches")


async def test_pages_whose_websocket_did_not_open_are_counted(service: Service) -> None:
    event = await on_sale(service)
    for query in ("?wait=0&fallback=true", "?wait=0&fallback=true", "?wait=0"):
        assert (await changes(service, event, query)).status_code == 200
    assert "live_fallbacks_total 2.0" in (await service.client.get("/metrics")).text
    assert (await changes(service, event, "?wait=0&fallback=maybe")).status_code == 400


async def test_when_nothing_changes_the_version_is_answered(service: Service) -> None:
    event = await on_sale(service)
    for query in ("?wait=0", "?since=1&wait=0", "?since=1&wait=0.05"):
        assert (await changes(service, event, query)).json() == {"version": 1}


async def test_a_version_that_is_not_there_means_a_reload(service: Service) -> None:
    event = await on_sale(service)
    for query in ("?since=9", "?since=1&epoch=0123456789abcdef"):
        assert (await changes(service, event, query)).json() == {"reload": True, "version": 1}


async def test_a_change_of_the_event_is_as_the_event_is_read(service: Service) -> None:
    event = await on_sale(service)
    await service.client.patch(f"/events/{event}", json={"prices": {"1": {"standard": "50.00"}}})
    told = (await changes(service, event, "?since=1")).json()
    assert told == {"version": 2, "event": (await service.client.get(f"/events/{event}")).json()}
    assert told["event"]["prices"]["1"] == {"standard": "50.00"}


async def test_a_client_that_polls_misses_nothing(service: Service) -> None:
    event = await on_sale(service)
    known: dict[str, str] = {}
    version = 1

    async def poll() -> None:
        nonlocal version
        while version < 41:
            told = (await changes(service, event, f"?since={version}&wait=0.02")).json()
            assert told["version"] >= version
            known.update(told.get("changes", {}))
            version = told["version"]

    polling = asyncio.create_task(poll())
    for number in range(40):
        await hold(service, event, f"A-{number // 10 + 1}-{number % 10 + 1}")
        await asyncio.sleep(0.007)
    async with asyncio.timeout(10):
        await polling
    assert known == (await service.client.get(f"/events/{event}/seats")).json()["seats"]


async def test_a_hold_that_runs_out_is_told_within_a_second(service: Service) -> None:
    event = await on_sale(service, hold_ttl_ms=300)
    await hold(service, event, "A-1-1")
    held = time.monotonic()
    version = (await changes(service, event, "?wait=0")).json()["version"]
    told = (await changes(service, event, f"?since={version}&wait=5")).json()
    assert told["changes"] == {"A-1-1": "available"}
    assert time.monotonic() - held < 0.3 + 1.0


async def test_a_poll_that_makes_no_sense_is_400(service: Service) -> None:
    event = await on_sale(service)
    for query in ("?since=-1", "?since=x", "?wait=31", "?wait=-1", "?wait=nan", f"?since={2**63}",
                  "?epoch=" + "e" * 65):  # fmt: skip
        assert (await changes(service, event, query)).status_code == 400, query


async def test_a_body_that_nobody_asked_for_is_no_answer(service: Service) -> None:
    event = await on_sale(service)
    large = b"x" * 2_000_000
    answer = await service.client.request(
        "GET", f"/events/{event}/changes?since=1&wait=5", content=large
    )
    assert answer.status_code == 413


async def test_an_event_that_is_not_there_is_404(service: Service) -> None:
    for event in ("nope", "aaaaaaaaaaaa"):
        answer = await changes(service, event)
        assert (answer.status_code, answer.json()["code"]) == (404, "event_not_found")


async def test_polls_are_counted_by_address_and_in_all(environment: dict[str, str]) -> None:
    async with in_process(live_connections_per_address=1) as service:
        event = await on_sale(service)
        waiting = asyncio.create_task(changes(service, event, "?wait=0.5"))
        await watched(service, 1)
        refused = await changes(service, event)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_watchers")
        assert (await waiting).status_code == 200
        assert (await changes(service, event, "?wait=0")).status_code == 200
    async with in_process(live_connections_max=1) as service:
        waiting = asyncio.create_task(changes(service, event, "?wait=0.5"))
        await watched(service, 1)
        refused = await changes(service, event)
        assert (refused.status_code, refused.json()["code"]) == (503, "watchers_full")
        await waiting


async def test_polls_are_not_charged_to_a_limit(environment: dict[str, str]) -> None:
    async with in_process(rate_limits="1/60s", app_env="test") as service:
        for _ in range(5):
            answer = await changes(service, "aaaaaaaaaaaa", "?wait=0")
            assert answer.status_code == 404
            assert "ratelimit" not in answer.headers


async def test_a_process_that_stops_answers_those_who_wait(service: Service) -> None:
    event = await on_sale(service)
    waiting = asyncio.create_task(changes(service, event, "?since=1"))
    await watched(service, 1)
    await service.parts.live.drain()
    assert (await waiting).json() == {"version": 1}
    late = await changes(service, event)
    assert (late.status_code, late.json()["code"]) == (503, "draining")


async def test_watchers_and_frames_are_counted(service: Service) -> None:
    event = await on_sale(service)
    waiting = asyncio.create_task(changes(service, event, "?since=1"))
    await watched(service, 1)
    value = service.parts.metrics.registry.get_sample_value
    assert (value("live_subscribers"), value("live_events_watched")) == (1, 1)
    await hold(service, event, "A-1-1")
    await waiting
    assert value("live_subscribers") == 0
    assert value("live_frames_total") == 1
    assert value("live_subscribers_dropped_total") == value("live_subscribers_refused_total") == 0


async def open_socket(
    edge: Edge, path: str, headers: list[tuple[bytes, bytes]]
) -> list[dict[str, Any]]:
    """What is sent to a client that leaves as soon as it is accepted."""
    incoming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers,
             "client": ("192.0.2.1", 1), "http_version": "1.1"}  # fmt: skip
    await edge(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("host", "origin", "admitted"),
    [
        (b"localhost:3001", None, True),
        (b"localhost:3001", b"http://localhost:3001", True),
        (b"LocalHost:3001", b"http://localhost:3001", True),
        (b"localhost:3001", b"https://shop.example", True),
        (b"localhost:3001", b"http://localhost:3002", False),
        (b"localhost:3001", b"http://evil.example", False),
        (b"localhost:3001", b"https://shop.example.evil.example", False),
        (b"localhost:3001", b"null", False),
        (b"localhost:3001", b"", False),
        (b"localhost:3001", b"localhost:3001", False),
    ],
)
async def test_a_page_of_another_origin_may_not_connect(
    environment: dict[str, str], host: bytes, origin: bytes | None, admitted: bool
) -> None:
    async with in_process(cors_origins="https://shop.example") as service:
        event = await on_sale(service)
        headers = [(b"host", host)] + ([(b"origin", origin)] if origin is not None else [])
        sent = await open_socket(http_app.build(service.parts), f"/events/{event}/live", headers)
        if admitted:
            assert sent[0]["type"] == "websocket.accept"
        else:
            assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 403)
            assert json.loads(sent[1]["body"])["code"] == "foreign_origin"
        assert service.parts.live.watcher_limits.watching == 0


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("path", "host", "status", "code"),
    [
        ("/live", b"localhost", 404, "not_found"),
        ("/events/x/seats", b"localhost", 404, "not_found"),
        ("/events/" + "x" * 500 + "/live", b"localhost", 404, "not_found"),
        ("/events/x/live", b"evil.example", 421, "misdirected_request"),
        ("/events/x/live", b"", 400, "invalid_request"),
        ("/events/x/live\n", b"localhost", 404, "not_found"),
        ("/events/" + "x" * 10_000 + "/live", b"localhost", 414, "address_too_long"),
    ],
)
async def test_a_websocket_that_nobody_serves_is_refused_as_http(
    service: Service, path: str, host: bytes, status: int, code: str
) -> None:
    headers = [(b"host", host), (b"x-request-id", b"mine")]
    start, body = await open_socket(http_app.build(service.parts), path, headers)
    assert start["status"] == status
    told = json.loads(body["body"])
    assert (told["code"], told["requestId"]) == (code, "mine")


async def test_a_handshake_with_a_wrong_key_is_refused_and_counted(
    environment: dict[str, str],
) -> None:
    async with in_process(wrong_key_limits="2/60s") as service:
        edge = http_app.build(service.parts)
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer wrong")]
        path = f"/events/{await on_sale(service)}/live"
        starts = [(await open_socket(edge, path, headers))[0] for _ in range(3)]
        assert [start["status"] for start in starts] == [401, 401, 429]
        assert (b"www-authenticate", b"Bearer") in starts[0]["headers"]
        assert (b"retry-after", b"60") in starts[2]["headers"]
        assert (await open_socket(edge, path, headers[:1]))[0]["type"] == "websocket.accept"


async def test_a_process_that_stops_takes_no_websocket(service: Service) -> None:
    service.parts.health.drain()
    sent = await open_socket(
        http_app.build(service.parts), "/events/x/live", [(b"host", b"localhost")]
    )
    assert sent[0]["status"] == 503
