"""What two connections are asked, and what follows from it, before poolers of each kind.

A real PgBouncer is in tests/faults/test_behind_pgbouncer.py.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.postgres import Postgres

from event_seating.db import session_probe
from event_seating.db.database import Database
from event_seating.db.session_probe import keep_their_sessions, require_own_sessions
from event_seating.errors import StartupError

pytestmark = pytest.mark.anyio


class Pooler:
    """Sessions by number, lent for a transaction; the free ones are in the order of their return.

    `meanwhile` is called before each loan: somebody else may take or return a session.
    """

    def __init__(
        self,
        sessions: int,
        *,
        lends: Callable[[list[int]], int],
        meanwhile: Callable[[list[int]], None] = lambda _free: None,
    ) -> None:
        self.free = list(range(sessions))
        self.lends = lends
        self.meanwhile = meanwhile


class Pooled:
    """A connection that has a session for as long as its transaction."""

    def __init__(self, pooler: Pooler) -> None:
        self._pooler = pooler
        self._session = -1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._pooler.meanwhile(self._pooler.free)
        self._session = self._pooler.lends(self._pooler.free)
        yield
        self._pooler.free.append(self._session)

    async def fetchval(self, query: str) -> Any:
        assert query == "SELECT pg_backend_pid()"
        return self._session


class Direct(Pooled):
    """A connection with a session of its own: directly, or by session pooling."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if self._session < 0:
            self._session = self._pooler.free.pop()
        yield


def last(free: list[int]) -> int:
    """PgBouncer's way: the session that was used last is lent first."""
    return free.pop()


def in_turn(free: list[int]) -> int:
    """The way of `server_round_robin = 1`."""
    return free.pop(0)


class Stranger:
    """Somebody who keeps one session busy, and changes it for the last one returned."""

    def __init__(self) -> None:
        self._has: list[int] = []

    def __call__(self, free: list[int]) -> None:
        if len(free) > 1:
            self._has.append(free.pop())
        if len(self._has) > 1:
            free.append(self._has.pop(0))


@pytest.mark.parametrize("lends", [last, in_turn])
async def test_connections_that_have_their_sessions_keep_them(
    lends: Callable[[list[int]], int],
) -> None:
    pooler = Pooler(2, lends=lends)
    assert await keep_their_sessions(Direct(pooler), Direct(pooler))


@pytest.mark.parametrize("sessions", [1, 2, 3, 20])
@pytest.mark.parametrize("lends", [last, in_turn])
async def test_sessions_that_are_lent_for_a_transaction_are_noticed(
    lends: Callable[[list[int]], int], sessions: int
) -> None:
    pooler = Pooler(sessions, lends=lends)
    assert not await keep_their_sessions(Pooled(pooler), Pooled(pooler))


@pytest.mark.parametrize("sessions", [3, 4, 20])
@pytest.mark.parametrize("lends", [last, in_turn])
async def test_they_are_noticed_though_others_use_the_pooler(
    lends: Callable[[list[int]], int], sessions: int
) -> None:
    pooler = Pooler(sessions, lends=lends, meanwhile=Stranger())
    assert not await keep_their_sessions(Pooled(pooler), Pooled(pooler))


async def test_a_session_that_is_the_same_by_chance_is_asked_for_again() -> None:
    # The first gets 0 again and again, the second 1; only in the fifth round somebody has taken 0.
    lent = [0, 0, 1, 0] * 4 + [0, 0, 1, 2]
    pooler = Pooler(0, lends=lambda _free: lent.pop(0))
    assert not await keep_their_sessions(Pooled(pooler), Pooled(pooler))
    assert lent == []


async def test_a_direct_connection_is_not_refused(postgres: Postgres) -> None:
    url = postgres.create_database("probed_directly")
    database = Database(url)
    try:
        await require_own_sessions(database, url)
    finally:
        await database.close()


async def test_the_refusal_says_what_to_do_and_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no(_options: object) -> bool:
        return False

    monkeypatch.setattr(session_probe, "_probe", no)
    url = "postgresql+asyncpg://u:hidden@127.0.0.1:6432/x"
    with pytest.raises(StartupError, match="transaction mode") as refused:
        await require_own_sessions(Database(url), url)
    sentence = str(refused.value)
    assert sentence.startswith("DATABASE_URL: ")
    assert "PostgreSQL's own address" in sentence
    assert "session pooling" in sentence
    assert "hidden" not in sentence
