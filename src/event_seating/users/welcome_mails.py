"""The handler of the job that sends a new user a mail."""

from typing import Any, Final

import msgspec

from event_seating.db.database import Database
from event_seating.jobs.handler import Handler, Job, payload_of
from event_seating.mail.mailer import Mailer
from event_seating.mail.message import Mail
from event_seating.mail.rendering import render
from event_seating.users import store
from event_seating.users.new_users import WELCOME
from event_seating.values.email_address import mailbox

SUBJECT: Final = "Welcome"


class _Payload(msgspec.Struct, rename="camel"):
    user_id: str


class WelcomeMails:
    """Sends the mail."""

    def __init__(self, database: Database, mailer: Mailer) -> None:
        self._database = database
        self._mailer = mailer

    def handlers(self) -> dict[str, Handler]:
        return {WELCOME: self.send}

    async def send(self, job: Job) -> dict[str, Any]:
        """Welcome the user; no mail if there is no such user any more."""
        asked = payload_of(job, _Payload)
        async with self._database.read() as connection:
            user = await store.by_id(connection, asked.user_id)
        if user is None:
            return {"sent": False, "reason": "the user is gone"}
        words = render(WELCOME, {"subject": SUBJECT, "name": user.name, "user": user.id})
        await self._mailer.send(
            Mail(job.id, mailbox(user.name, user.email), SUBJECT, words.text, words.html)
        )
        return {"sent": True}
