"""Asking for users to be created later: one, or a file of them.

The answer is a job, which is written with whatever it needs; nothing else happens here. A file is
kept while it comes in, a chunk at a time, so that neither a slow client nor a large one is in
anybody's way; its job is written when it is whole.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.db.kept_answers import Call
from event_seating.errors import BodyTooSlow, InvalidRequest
from event_seating.jobs import files, outbox
from event_seating.jobs.model import NewJob
from event_seating.telemetry import context
from event_seating.users import jobs

UPLOAD_WITHIN_S: Final = 300.0
"""Thirty-two megabytes at the speed of a bad telephone line; then the connection is free again."""


class UserAsking:
    """What can be asked for."""

    def __init__(self, database: Database, clock: Clock, nudge: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._nudge = nudge
        """Called when there are new jobs."""

    async def create(
        self, user_id: str, name: str, email: str, call: Call | None = None
    ) -> tuple[NewJob, bool]:
        """A user, whose fields were checked by `users.model`; whether an earlier call asked.

        Raises `IdempotencyKeyReused`.
        """
        job = jobs.create_user(user_id, name, email, context.carried())
        now_ms = self._clock.now_ms()
        async with self._database.write() as connection:
            before = await outbox.add_for(self._database, connection, job, call, now_ms)
        if before is not None:
            return before, True
        self._nudge()
        return job, False

    async def import_file(self, pieces: AsyncIterator[bytes], media_type: str) -> NewJob:
        """The users of a file; raises `InvalidRequest` when it is empty, and `BodyTooSlow`."""
        now_ms = self._clock.now_ms()
        try:
            async with asyncio.timeout(UPLOAD_WITHIN_S):
                file_id = await files.spool(
                    self._database,
                    files.UPLOAD,
                    media_type,
                    pieces,
                    now_ms,
                    now_ms + jobs.UPLOAD_KEPT_MS,
                )
        except TimeoutError:
            raise BodyTooSlow from None
        async with self._database.read() as connection:
            head = await files.read(connection, file_id)
        if head is None or head.bytes == 0:
            raise InvalidRequest.naming([("body", "is empty")])
        return await self._ask(jobs.import_users(file_id, media_type, context.carried()))

    async def _ask(self, job: NewJob) -> NewJob:
        async with self._database.write() as connection:
            await outbox.add(connection, [job], self._clock.now_ms())
        self._nudge()
        return job
