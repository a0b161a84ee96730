"""The rules of accounts: read through the cache, write through it.

A read looks in the cache (the edge has done so before the route runs), then joins or starts the one
read of the database for that id. A write goes to the database first, then replaces what the cache
held and taints a read that is under way, so that no older answer settles over a newer one.

An absent user is remembered for `ABSENT_TTL_S` in a cache of its own, so that somebody who asks
for the same wrong id over and over costs nothing; creating the user ends that memory. This is right
only while one process serves: what another process creates would be unknown here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from event_seating.cache.lru import LruCache
from event_seating.cache.single_flight import SingleFlight
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, EmailExists, UserIdExists, UserNotFound
from event_seating.jobs import outbox
from event_seating.jobs.model import NOTIFICATIONS, NewJob, new_job_id
from event_seating.users import store
from event_seating.users.model import User

WELCOME: Final = "user-welcome"
"""The job that sends a new user a mail; its payload has the `userId`."""

ABSENT_TTL_S: Final = 5.0
"""Long enough to blunt a storm, short enough that nobody notices."""

ANSWER_WITHIN_S: Final = 20.0
"""More than the database's own limits and the longest `DB_LATENCY_MS` together. What takes longer
comes from a database that hangs, whose limits do not work; it would hold up all who ask for that
user, and one connection, until it wakes."""


class UserService:
    """What can be done with users."""

    def __init__(
        self,
        database: Database,
        cache: LruCache,
        absent: LruCache,
        clock: Clock,
        *,
        welcomes: bool = False,
    ) -> None:
        """`welcomes`: whether mail is sent at all, so that a new user gets one."""
        self._database = database
        self._cache = cache
        self._absent = absent
        self._flights = SingleFlight[bytes | None](self._keep)
        self._clock = clock
        self._welcomes = welcomes

    @property
    def coalesced(self) -> int:
        """How many readers joined a read that was under way, since the start."""
        return self._flights.coalesced

    async def aclose(self) -> None:
        """End the reads that are under way."""
        await self._flights.aclose()

    async def read(self, user_id: str) -> bytes:
        """The encoded user, from the database; raises `UserNotFound`.

        The cache is not asked: whoever calls has done that, and counted it.
        """
        if self._absent.get(user_id) is not None:
            raise UserNotFound
        encoded, _ = await self._flights.load(user_id, lambda: self._load(user_id))
        if encoded is None:
            raise UserNotFound
        return encoded

    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user."""
        try:
            await self.read(user_id)
        except UserNotFound:
            return False
        return True

    async def create(self, user_id: str, name: str, email: str) -> bytes:
        """Write a new user and answer it encoded; raises `UserIdExists` or `EmailExists`.

        The three fields have been checked by `users.model`.
        """
        user = User(user_id, name, email, self._clock.now_ms())
        try:
            async with _in_time(), self._database.write() as connection:
                if not await store.insert(connection, user):
                    taken = await store.by_id(connection, user_id)
                    raise UserIdExists if taken else EmailExists
                if self._welcomes:
                    await outbox.add(connection, [_welcome(user_id)], user.created_at_ms)
        finally:
            # Also when it failed: the user may be there all the same, written by somebody else or
            # by a commit whose answer was lost.
            self._flights.taint(user_id)
            self._absent.discard(user_id)
        encoded = user.encode()
        self._cache.put(user_id, encoded)
        return encoded

    def clear_cache(self) -> int:
        """Forget every cached user, and what is being read now; how many were cached."""
        self._flights.taint_all()
        self._absent.clear()
        return self._cache.clear()

    async def _load(self, user_id: str) -> bytes | None:
        async with _in_time(), self._database.read() as connection:
            user = await store.by_id(connection, user_id)
        return user.encode() if user else None

    def _keep(self, user_id: str, encoded: bytes | None) -> None:
        if encoded is None:
            self._absent.put(user_id, b"")
        else:
            self._cache.put(user_id, encoded)


def _welcome(user_id: str) -> NewJob:
    return NewJob(new_job_id(), NOTIFICATIONS, WELCOME, {"userId": user_id})


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """The block must end within `ANSWER_WITHIN_S`; raises `DatabaseUnavailable` otherwise."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable from error
