"""A shop through its first days: every kind of call that is stored, answered or told of.

The calls are made of the whole service in this process, on SQLite, in a stillness in which all is
the same in every run. What comes of it is recorded whole: each call with its answer, and every row
of the database. The records are the release before this one: its keys have to be known again, its
tokens, cookies and secrets have to be good, and its rows have to mean what they meant.
"""

import io
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from gzip import compress, decompress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from event_seating.clock import SystemClock
from event_seating.composition import http_app, server_services
from event_seating.composition.server_services import ServerServices
from event_seating.db.database import Database
from event_seating.db.schema import MIGRATIONS
from event_seating.db.tables import metadata
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs
from tests.golden import names
from tests.golden.redis import hearing
from tests.golden.stillness import BEGINS_MS, Stillness, still
from tests.golden.texts import in_lines, of_lines

ADMIN = "the-key-of-an-operator-of-old"
TOLD = ("content-type", "location", "set-cookie", "idempotency-replayed")
"""Of the head of an answer."""

SCHEMA_BEFORE = "0008"
"""Of the release before, which made the records."""

CALL_KEY = ("event_id", "scope", "key")
RESULT = ("result", "result_format")
"""What the release before does not have."""

LATER_MS = BEGINS_MS + 1_800_000
"""When the calls are repeated: what was answered first is still kept."""

HALL: dict[str, Any] = {
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
                        for col in range(1, 7)
                    ],
                }
                for row in (1, 2)
            ],
        }
    ],
    "areas": [
        {"id": "floor", "label": "Floor", "capacity": 6, "priceTier": 2,
         "x": 10, "y": 200, "width": 100, "height": 50}
    ],
}  # fmt: skip

CONCERT: dict[str, Any] = {
    "venueId": "hall",
    "name": "Concert",
    "startsAt": "2096-10-02T19:00:00+02:00",
    "timeZone": "Europe/Berlin",
    "currency": "EUR",
    "prices": {
        "1": {"standard": "45.00", "reduced": "30.00", "press": "0.00"},
        "2": {"standard": "30.50"},
    },
    "ticketTypes": {
        "standard": {"label": "Standard"},
        "reduced": {"label": "Reduced"},
        "press": {"label": "Press", "access": "staff"},
    },
    "defaultTicketType": "standard",
    "rules": {
        "allowOrphans": True,
        "maxSeatsPerHold": 6,
        "maxHeldSeatsPerBuyer": 30,
        "maxHeldSeatsPerAddress": 300,
        "holdTtl": 300,
        "holdTotalMax": 1500,
        "checkoutTtl": 900,
    },
    "salesStart": "2023-11-01T00:00:00Z",
    "salesEnd": "2096-10-02T17:00:00Z",
}


class Call(NamedTuple):
    """A call as somebody made it."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    """What is sent as JSON, or a text."""


class Shop:
    """Makes the calls, and notes each with its answer."""

    def __init__(self, service: "Service", now: Stillness) -> None:
        self._client = service.client
        self._seat_logs = service.parts.seat_logs
        self._now = now
        self._keys = 0
        self.noted: list[dict[str, Any]] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Mapping[str, str],
        once: bool = False,
        **headers: str,
    ) -> Any:
        """One call; `once` with a key, so that it may be repeated. What was answered, as JSON."""
        self._now.pass_by(1)
        sent = {**by, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if once:
            self._keys += 1
            sent["idempotency-key"] = f"a-key-of-a-caller-number-{self._keys}"
        call = Call(method, path, sent, body)
        answer = await answered(self._client, call)
        assert answer["status"] < 400, (call, answer)
        self.noted.append({**call._asdict(), "answer": answer})
        return answer["body"]

    def cookie(self) -> dict[str, str]:
        """Of the buyer who was served last."""
        value = self.noted[-1]["answer"]["headers"]["set-cookie"].split(";")[0]
        return {"cookie": value}

    async def pass_by(self, seconds: int) -> None:
        """Holds run out meanwhile."""
        self._now.pass_by(seconds)
        for log in self._seat_logs.loaded():
            await log.sweep()


async def answered(client: httpx.AsyncClient, call: Call) -> dict[str, Any]:
    """What comes back to a call: its status, what matters of its head, and its body."""
    client.cookies.clear()
    body, headers = call.body, {"content-type": "application/json", **call.headers}
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    found = await client.request(call.method, call.path, content=content, headers=headers)
    head = {name: found.headers[name] for name in TOLD if name in found.headers}
    try:
        told = found.json() if found.content else None
        if isinstance(told, dict):
            told.pop("requestId", None)
    except ValueError:
        told = found.text
    return {"status": found.status_code, "headers": head, "body": told}


async def first_days(shop: Shop) -> None:
    """Everything that happens."""
    desk = {"authorization": f"Bearer {ADMIN}"}
    ask = shop.ask
    await ask("PUT", "/venues/hall", HALL, by=desk)
    await ask("POST", "/venues", {**HALL, "venueId": "floor", "sections": []}, by=desk, once=True)
    hook = await ask(
        "POST",
        "/webhooks",
        {"url": "https://shop.example/hook", "types": ["*"]},
        by=desk,
        once=True,
    )
    await ask("POST", f"/webhooks/{hook['id']}/secret", by=desk, once=True)
    await ask("POST", f"/webhooks/{hook['id']}/test", by=desk)
    for number, more in (("201", {}), ("202", {"prefer": "respond-async"})):
        user = {"id": number, "name": f"User {number}", "email": f"u{number}@example.com"}
        await ask("POST", "/users", user, by=desk, once=True, **more)
    users = "id,name,email\n203,Ann Lee,ann.lee@example.com\n"
    await ask("POST", "/users/import", users, by=desk, content_type="text/csv")
    event = (await ask("POST", "/events", CONCERT, by=desk, once=True))["id"]
    await _a_sale(shop, event, desk)
    await _at_the_desk(shop, event, desk)
    await ask("POST", "/reports", {"eventId": event, "kind": "sales"}, by=desk, once=True)
    other = (await ask("POST", "/events", {**CONCERT, "name": "Second"}, by=desk, once=True))["id"]
    await ask("POST", "/bookings", {"eventId": other, "seats": ["A-1-1"], "userId": "201"}, by=desk)
    await ask("POST", f"/events/{other}/holds", {"seats": ["A-1-2"]}, by={})
    why = {"notify": True, "reason": "The singer is ill."}
    await ask("POST", f"/events/{other}/cancel", why, by=desk)
    for path in ("", "/log", "/bookings", "/seats/A-1-3"):
        await ask("GET", f"/events/{event}{path}", by=desk)
    await ask("GET", f"/webhooks/{hook['id']}", by=desk)
    await ask("GET", "/users/201", by=desk)
    await ask("DELETE", "/cache", by=desk)


async def _a_sale(shop: Shop, event: str, desk: Mapping[str, str]) -> None:
    """What buyers do, from the first hold to the booking; and one who goes away."""
    ask = shop.ask
    seats = {"seats": ["A-1-1", "A-1-2"], "ticketTypes": {"A-1-2": "reduced"}}
    hold = (await ask("POST", f"/events/{event}/holds", seats, by={}, once=True))["holdToken"]
    buyer = shop.cookie()
    changes = {"add": {"seats": ["A-1-3"], "areas": {"floor": 1}}, "remove": {"seats": ["A-1-1"]}}
    await ask("PATCH", f"/holds/{hold}", changes, by=buyer, once=True)
    await shop.pass_by(60)
    await ask("POST", f"/holds/{hold}/extend", by=buyer, once=True)
    await ask("POST", f"/holds/{hold}/checkout", by=buyer, once=True)
    await ask("DELETE", f"/holds/{hold}/checkout", by=buyer, once=True)
    booking = {
        "holdToken": hold,
        "userId": "201",
        "orderRef": "order-1",
        "metadata": {"channel": "web", "note": "ärger"},
        "expectedTotal": "105.50",
    }
    await ask("POST", "/bookings", booking, by=desk, once=True)
    floor = {"areas": {"floor": {"standard": 2}}}
    hold = (await ask("POST", f"/events/{event}/holds", floor, by=buyer, once=True))["holdToken"]
    await ask("DELETE", f"/holds/{hold}", by=buyer, once=True)
    await ask("POST", f"/events/{event}/holds", {"best": {"quantity": 1}}, by={}, once=True)
    await shop.pass_by(400)  # and that hold has run out
    there = await ask("POST", f"/events/{event}/holds", {"seats": ["A-2-6"]}, by={}, once=True)
    await ask("GET", f"/holds/{there['holdToken']}", by=shop.cookie())


async def _at_the_desk(shop: Shop, event: str, desk: Mapping[str, str]) -> None:
    """What the box office does, until the last seat is sold."""
    ask = shop.ask
    regular = {"seats": ["A-2-1"], "ticketTypes": {"A-2-1": "press"}, "buyerRef": "regular-7"}
    await ask("POST", f"/events/{event}/holds", regular, by=desk, once=True)
    taken = {"buyerRef": "regular-7"}
    await ask("POST", f"/events/{event}/holds/release", taken, by=desk, once=True)
    blocked = {"seats": ["A-2-4", "A-2-5"], "areas": {"floor": 2}, "reason": "camera"}
    await ask("POST", f"/events/{event}/blocks", blocked, by=desk, once=True)
    given = {"seats": ["A-2-4", "A-2-5"], "areas": {"floor": 2}, "reason": "no camera"}
    await ask("POST", f"/events/{event}/blocks/release", given, by=desk, once=True)
    straight = {
        "eventId": event,
        "seats": ["A-1-4", "A-1-5"],
        "areas": {"floor": {"standard": 2}},
        "ticketTypes": {"A-1-4": "reduced"},
        "from": ["available", "blocked"],
        "orderRef": "order-2",
        "expectedTotal": "136.00",
    }
    booking = (await ask("POST", "/bookings", straight, by=desk, once=True))["id"]
    exchange = {"release": {"seats": ["A-1-5"]}, "take": {"seats": ["A-2-2"]}}
    await ask("POST", f"/bookings/{booking}/changes", exchange, by=desk, once=True)
    part = {"seats": ["A-2-2"], "areas": {"floor": 1}, "reason": "ill"}
    await ask("POST", f"/bookings/{booking}/cancel", part, by=desk, once=True)
    await ask("GET", f"/bookings/{booking}", by=desk)
    sale = {"status": "paused", "rules": {"holdTtl": 240}}
    await ask("PATCH", f"/events/{event}", sale, by=desk)
    await ask("PATCH", f"/events/{event}", {"status": "on_sale"}, by=desk)
    await shop.pass_by(400)
    rest = [f"A-{row}-{col}" for row in (1, 2) for col in range(1, 7)]
    sold = {"A-1-2", "A-1-3", "A-1-4"}
    last = {
        "eventId": event,
        "seats": [seat for seat in rest if seat not in sold],
        "areas": {"floor": 4},
    }
    await ask("POST", "/bookings", last, by=desk, once=True)


class Service(NamedTuple):
    """The whole service in this process, and a client that talks to it."""

    parts: ServerServices
    client: httpx.AsyncClient


@asynccontextmanager
async def open_service(directory: Path, **more: Any) -> AsyncIterator[Service]:
    """The service on the database in this directory."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(only(data_dir=directory, admin_api_key=ADMIN, **more))
        logs = stack.enter_context(quiet(settings))
        parts = await stack.enter_async_context(server_services.running(settings, logs))
        transport = httpx.ASGITransport(http_app.build(parts), client=("192.0.2.1", 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost:3001")
        yield Service(parts, await stack.enter_async_context(client))


@contextmanager
def only(**settings: Any) -> Iterator[Settings]:
    """These settings; nothing of the caller's environment gets in."""
    with patch.dict(os.environ, clear=True):
        yield Settings(app_env="test", rate_limits="off", **settings)


@contextmanager
def quiet(settings: Settings) -> Iterator[Logs]:
    """A log that nobody reads."""
    with ExitStack() as stack:
        logs = Logs(
            level="error",
            production=settings.production,
            directory=None,
            clock=SystemClock(),
            stdout=io.StringIO(),
        )
        stack.callback(structlog.reset_defaults)
        logs.start()
        stack.callback(logs.close)
        yield logs


async def lived(directory: Path, redis_url: str) -> dict[str, Any]:
    """The records of the first days: calls, what a repetition is answered, rows, and locks.

    Results of calls are a record apart from the rows, which the release before reads.
    """
    locks: list[str] = []

    async def lock(_database: Database, _connection: object, key: str) -> None:
        locks.append(key)

    engine = create_engine(f"sqlite:///{_path(directory)}")
    metadata.create_all(engine)
    engine.dispose()
    with still() as now, patch.object(Database, "acquire_lock", lock):
        async with (
            hearing(redis_url) as heard,
            open_service(directory, redis_url=redis_url) as service,
        ):
            shop = Shop(service, now)
            await first_days(shop)
            rows, results = without_results(dumped(directory))
            now.now_ms = LATER_MS
            again = await repeated(service.client, shop.noted)
            found = names.of_service(service.parts)
    return {
        "service-calls.json": shop.noted,
        "service-again.json": again,
        "service-rows.json": rows,
        "service-results.json": results,
        "service-schema.sql": schema_of(directory),
        "service-locks.json": sorted({*locks}),
        "service-signals.json": [list(each) for each in sorted(heard)],
        "names.txt": found,
    }


async def known_again(directory: Path, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What calls are answered that are repeated on this database."""
    with still(LATER_MS):
        async with open_service(directory) as service:
            return await repeated(service.client, calls)


async def repeated(client: httpx.AsyncClient, noted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each call with a key is answered that is made once more, and what is read again."""
    found = []
    for each in noted:
        call = Call(each["method"], each["path"], each["headers"], each["body"])
        if call.method == "GET" or "idempotency-key" in call.headers:
            answer = await answered(client, call)
            found.append({"call": f"{call.method} {call.path}", **answer})
    return found


Rows = dict[str, list[dict[str, Any]]]


def without_results(rows: Rows) -> tuple[Rows, list[dict[str, Any]]]:
    """The rows as the release before has them, and apart from them the results of calls."""
    calls = rows["idempotency"]
    results = [
        {name: row[name] for name in (*CALL_KEY, *RESULT)}
        for row in calls
        if row["result_format"] is not None
    ]
    before = [{name: row[name] for name in row if name not in RESULT} for row in calls]
    return {**rows, "idempotency": before}, results


def with_results(rows: Rows, results: list[dict[str, Any]]) -> Rows:
    """The rows as this release leaves them, with nothing but the results to answer from."""
    found = {tuple(each[name] for name in CALL_KEY): each for each in results}
    calls = []
    for row in rows["idempotency"]:
        result = found.get(tuple(row[name] for name in CALL_KEY))
        calls.append(
            row if result is None else {**row, **result, "status": 0, "answer": {"text": ""}}
        )
    return {**rows, "idempotency": calls}


def _path(directory: Path) -> Path:
    return directory / "event-seating.db"


def dumped(directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table; bytes as lines of hex, a compressed map as it is inside."""
    with sqlite3.connect(_path(directory)) as database:
        database.row_factory = sqlite3.Row
        names = [
            row["name"]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {}
        for name in sorted(names):
            rows = database.execute(f"SELECT * FROM {name}").fetchall()
            found[name] = sorted(
                (
                    {column: _plain(column, value) for column, value in dict(row).items()}
                    for row in rows
                ),
                key=json.dumps,
            )
    database.close()
    return found


def _plain(column: str, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    if column.endswith("_gzip"):
        return {"gzip": json.loads(decompress(value))}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"hex": in_lines(value)}
    return {"text": text} if text.isprintable() else {"hex": in_lines(value)}


def _stored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return of_lines(value["hex"])
    if "text" in value:
        return str(value["text"]).encode()
    return compress(json.dumps(value["gzip"]).encode())


def schema_of(directory: Path) -> str:
    """The statements that made the tables, without the columns that the release before has not."""
    with sqlite3.connect(_path(directory)) as database:
        found = database.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name"
        )
        statements = [f"{sql};" for (sql,) in found]
    database.close()
    schema = "\n".join(statements) + "\n"
    for added in ("\tresult BLOB, \n", "\tresult_format INTEGER, \n"):
        assert added in schema
        schema = schema.replace(added, "")
    return schema


def laid_down(directory: Path, schema: str, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """A database of the release before with these rows, brought to this one."""
    with sqlite3.connect(_path(directory)) as database:
        database.executescript(schema)
    database.close()
    _migrate(directory)
    with sqlite3.connect(_path(directory)) as database:
        for name, each in rows.items():
            for row in each:
                columns = ", ".join(row)
                marks = ", ".join("?" for _ in row)
                values = [_stored(value) for value in row.values()]
                database.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", values)
    database.close()


def _migrate(directory: Path) -> None:
    """Bring a database of the release before to this one."""
    engine = create_engine(f"sqlite:///{_path(directory)}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.stamp(config, SCHEMA_BEFORE)
        command.upgrade(config, "head")
    engine.dispose()
