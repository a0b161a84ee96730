"""The rules of accounts: read through the cache, write through it.

A read looks in the cache (the edge has done so before the route runs), then joins or starts the one
read of the database for that id. A write goes to the database first, then replaces what the cache
held and invalidates a read that is under way, so that an older answer never replaces a newer one.

An absent user is remembered for `ABSENT_TTL_S` in a cache of its own, so that somebody who asks
for the same wrong id over and over costs nothing; creating the user ends that memory. This is done
only while this process is alone with its database: a user whom another process creates would stay
unknown here until the signal came. With others beside it nobody is remembered as absent, and a
caller who joined a read that found nobody reads once more, since that read may be older than the
answer which told the caller that the user is there.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from event_seating.cache.invalidation import CacheInvalidation
from event_seating.cache.lru import LruCache
from event_seating.cache.single_flight import SingleFlight
from event_seating.clock import Clock
from event_seating.db import kept_answers
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.users import store
from event_seating.users.errors import EmailExists, UserIdExists, UserNotFound
from event_seating.users.model import User
from event_seating.users.new_users import NewUsers

ABSENT_TTL_S: Final = 5.0
"""Long enough to absorb many repeated requests, short enough that nobody notices."""


class CreatedUser(NamedTuple):
    """The encoded user, and whether this is the first answer to a repeated call."""

    encoded: bytes
    replayed: bool


class UserService:
    """What can be done with users."""

    def __init__(
        self,
        database: Database,
        cache: LruCache,
        absent: LruCache,
        clock: Clock,
        invalidation: CacheInvalidation,
        new_users: NewUsers,
    ) -> None:
        invalidation.attach(self._forget, self._forget_all)
        self._invalidation = invalidation
        self._database = database
        self._cache = cache
        self._absent = absent
        self._flights = SingleFlight[bytes | None](self._keep)
        self._clock = clock
        self._new_users = new_users

    @property
    def coalesced(self) -> int:
        """How many readers joined a read that was under way, since the start."""
        return self._flights.coalesced

    async def aclose(self) -> None:
        """End the reads that are under way."""
        await self._flights.aclose()

    async def read(self, user_id: str) -> bytes:
        """The encoded user, from the database; raises `UserNotFound`.

        The cache is not asked: the caller has done that, which also counted the miss.
        """
        if self._absent.get(user_id) is not None:
            raise UserNotFound
        encoded, joined = await self._flights.load(user_id, lambda: self._load(user_id))
        if encoded is None and joined and not self._invalidation.alone:
            encoded, _ = await self._flights.load(user_id, lambda: self._load(user_id))
        if encoded is None:
            raise UserNotFound
        return encoded

    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user; asks the cache first, as a read at the edge does."""
        if self._cache.get(user_id) is not None:
            return True
        try:
            await self.read(user_id)
        except UserNotFound:
            return False
        return True

    async def create(
        self, user_id: str, name: str, email: str, call: KeyedCall | None = None
    ) -> CreatedUser:
        """Write a new user; raises `UserIdExists`, `EmailExists` or `IdempotencyKeyReused`.

        The three fields have been checked by `users.model`. A repeated `call` writes nobody.
        """
        user = User(user_id, name, email, self._clock.now_ms())
        remote_generation = self._invalidation.remote_generation
        try:
            before = await self._insert(user, call)
        except (UserIdExists, EmailExists):
            self._end_absence(user_id)  # another process wrote the user and published it
            raise
        except BaseException:
            self.changed(
                [user_id]
            )  # it may exist all the same: the outcome of the commit is unknown
            raise
        if before is not None:
            return CreatedUser(before, replayed=True)
        self._end_absence(user_id)
        self._invalidation.publish([user_id])
        encoded = user.encode()
        # Otherwise another process may have changed it since.
        if remote_generation == self._invalidation.remote_generation:
            self._cache_if_subscribed(user_id, encoded)
        return CreatedUser(encoded, replayed=False)

    async def _insert(self, user: User, call: KeyedCall | None) -> bytes | None:
        """Write the user, or return the first answer to the same call."""
        now_ms = user.created_at_ms
        async with self._database.write() as connection:
            before = await kept_answers.first(self._database, connection, call, now_ms)
            if before is not None:
                return before.answer
            await self._new_users.write(connection, user)
            await kept_answers.keep(connection, call, 201, user.encode(), now_ms)
        return None

    def changed(self, user_ids: Sequence[str]) -> None:
        """These users were written by this process: invalidate them in all processes.

        To be called after the commit by whoever writes users in another way than `create`.
        """
        for user_id in user_ids:
            self._forget(user_id)
        self._invalidation.publish(user_ids)

    def clear_cache(self) -> int:
        """Forget every cached user, in all processes; how many were cached in this one."""
        self._invalidation.publish_all()
        return self._forget_all()

    def _forget(self, user_id: str) -> None:
        """Invalidate a read under way and discard the value, in one step: see `single_flight`."""
        self._end_absence(user_id)
        self._cache.discard(user_id)

    def _end_absence(self, user_id: str) -> None:
        self._flights.invalidate(user_id)
        self._absent.discard(user_id)

    def _forget_all(self) -> int:
        self._flights.invalidate_all()
        self._absent.clear()
        return self._cache.clear()

    async def _load(self, user_id: str) -> bytes | None:
        async with self._database.read() as connection:
            user = await store.by_id(connection, user_id)
        return user.encode() if user else None

    def _keep(self, user_id: str, encoded: bytes | None) -> None:
        if encoded is not None:
            self._cache_if_subscribed(user_id, encoded)
        elif self._invalidation.alone:
            self._absent.put(user_id, b"")

    def _cache_if_subscribed(self, user_id: str, encoded: bytes) -> None:
        if self._invalidation.subscribed:
            self._cache.put(user_id, encoded)
