"""What a job process makes of its settings, with every part that it has."""

from pathlib import Path

import pytest
from tests.support.job_queue import Jobs, jobs_on
from tests.support.tables import lay_tables
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.booking.effects.follow_up_jobs import CANCELLATION, CONFIRMATION
from event_seating.composition import job_services
from event_seating.db.database import Database
from event_seating.jobs.model import NOTIFICATIONS
from event_seating.settings.model import Settings
from event_seating.users.new_users import WELCOME

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", [WELCOME, CONFIRMATION, CANCELLATION])
async def test_a_mail_waits_where_no_server_is_set_rather_than_being_given_up(
    tmp_path: Path, valkey: Valkey, name: str
) -> None:
    """A worker that was started without `SMTP_URL` beside a server that has one."""
    await lay_tables(tmp_path / "event-seating.db")
    settings = Settings(
        app_env="production",
        admin_api_key="an-admin-key-of-24-chars",
        data_dir=tmp_path,
        redis_url=valkey.url,
    )
    database = Database(settings.database)
    async with (
        jobs_on(database, valkey.url, queue=NOTIFICATIONS) as jobs,
        job_services.working(settings) as parts,
    ):
        job_id = await jobs.ask(name, {"userId": "1", "bookingId": "1"})
        parts.engine.nudge()
        await until(lambda: _waits(jobs, job_id))
        await parts.drain()
        row = await jobs.row(job_id)
    await database.close()
    assert row is not None
    assert row.failed_at_ms is None


async def _waits(jobs: Jobs, job_id: str) -> bool:
    found = await jobs.in_redis(job_id)
    return "SMTP_URL is not set" in found.get("failedReason", "")
