"""The whole service in this process, and a client; each answer is held to the OpenAPI document."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import event
from tests.support.document import Checked, document_of
from tests.support.tables import lay_tables, migrate

from event_seating.clock import SystemClock
from event_seating.composition import http_app, server_services
from event_seating.composition.server_services import ServerServices
from event_seating.http_server.asgi import App
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs


class Service:
    """The whole service in this process, and a client that talks to it."""

    def __init__(self, parts: ServerServices, app: App, client: httpx.AsyncClient) -> None:
        self.parts = parts
        self.app = app
        self.client = client
        self._statements: list[str] = []
        reader = parts.database._reader.sync_engine
        event.listen(
            reader,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: self._statements.append(statement),
        )

    def database_reads(self, table: str = "users") -> int:
        """How many statements have read this table since the start."""
        return sum(f"FROM {table}" in statement for statement in self._statements)


@asynccontextmanager
async def in_process(peer: str = "192.0.2.1", **changes: Any) -> AsyncIterator[Service]:
    """The service with these settings on top of the environment's."""
    settings = Settings(**changes)
    async with AsyncExitStack() as stack:
        logs = Logs(
            level="error",
            production=settings.production,
            directory=settings.log_directory,
            clock=SystemClock(),
            stdout=io.StringIO(),
        )
        stack.callback(structlog.reset_defaults)
        logs.start()
        stack.callback(logs.close)
        if settings.sqlite_path is None:
            await migrate(settings.database)
        elif not settings.sqlite_path.exists():
            await lay_tables(settings.sqlite_path)
        parts = await stack.enter_async_context(server_services.running(settings, logs))
        checked = Checked(http_app.build(parts), document_of(parts))
        client = await stack.enter_async_context(client_of(checked, peer))
        yield Service(parts, checked, client)


def client_of(app: App, peer: str = "192.0.2.1") -> httpx.AsyncClient:
    """A client that calls the app without a socket, from this address."""
    transport = httpx.ASGITransport(app, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:3001")


def isolate(monkeypatch: pytest.MonkeyPatch, data: Path) -> dict[str, str]:
    """Set the settings of a test's own; nothing of the caller's environment gets in."""
    for name in (*Settings.model_fields, "node_env"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    values = {"APP_ENV": "test", "DATA_DIR": str(data), "RATE_LIMITS": "off"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values
