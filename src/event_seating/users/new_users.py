"""Writing a new user, and asking for the mail that welcomes them.

Requests and jobs create users in this one way. The mail is asked for in the transaction that writes
the user, so that it is sent exactly if the user exists.
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import NOTIFICATIONS, NewJob
from event_seating.jobs.requests import JobRequests
from event_seating.users import store
from event_seating.users.errors import EmailExists, UserIdExists
from event_seating.users.model import User

WELCOME: Final = "user-welcome"
"""The job that sends a new user a mail; its payload has the `userId`."""


class NewUsers:
    """Writes new users; `welcomes` says whether mail is sent at all."""

    def __init__(self, job_requests: JobRequests, *, welcomes: bool) -> None:
        self._job_requests = job_requests
        self._welcomes = welcomes

    async def write(self, connection: AsyncConnection, user: User) -> None:
        """Write the user in this transaction; raises `UserIdExists` or `EmailExists`."""
        if not await store.insert(connection, user):
            taken = await store.by_id(connection, user.id)
            raise UserIdExists if taken else EmailExists
        if self._welcomes:
            await self._job_requests.ask(connection, _welcome(user.id))


def _welcome(user_id: str) -> NewJob:
    return NewJob(new_job_id(), NOTIFICATIONS, WELCOME, {"userId": user_id})
