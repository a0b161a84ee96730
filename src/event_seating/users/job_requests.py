"""Asking for users to be created later: one, or a file of them.

The answer is a job; creating the users is not done here. A file is stored while it comes in, chunk
by chunk, so that neither a slow client nor a large file blocks others; its job is written when the
file is complete.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.errors import BodyTooSlow, invalid
from event_seating.jobs import files
from event_seating.jobs.model import NewJob
from event_seating.jobs.requests import JobRequests, RequestedJob
from event_seating.users import jobs

UPLOAD_WITHIN_S: Final = 300.0
"""Thirty-two megabytes at the speed of a bad telephone line; then the connection is free again."""


class UserJobRequests:
    """Asks for the jobs that create users."""

    def __init__(self, database: Database, clock: Clock, job_requests: JobRequests) -> None:
        self._database = database
        self._clock = clock
        self._job_requests = job_requests

    async def create(
        self, user_id: str, name: str, email: str, call: KeyedCall | None = None
    ) -> RequestedJob:
        """Ask for a user, whose fields `users.model` has checked; raises `IdempotencyKeyReused`."""
        return await self._job_requests.ask_alone(jobs.create_user(user_id, name, email), call)

    async def import_file(self, pieces: AsyncIterator[bytes], media_type: str) -> NewJob:
        """Ask for the users of a file; raises `BodyTooSlow`, `InvalidRequest` if it is empty."""
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
            raise invalid("body", "is empty")
        asked = await self._job_requests.ask_alone(jobs.import_users(file_id, media_type))
        return asked.job
