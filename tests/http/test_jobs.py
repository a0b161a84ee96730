"""Jobs over HTTP: asked for, looked at, failed, tried again; with and without a Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.support.service import Service, in_process
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.db.tables import file_chunks, outbox
from event_seating.jobs import files
from event_seating.jobs import outbox as statements
from event_seating.jobs.engine import JobEngine
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob
from event_seating.operations import job_watch, jobs
from event_seating.users.import_file import CSV, NDJSON
from event_seating.users.jobs import UserJobs
from event_seating.users.new_users import NewUsers

pytestmark = pytest.mark.anyio

JANE = {"id": "123", "name": " Jane Smith ", "email": "Jane@example.com"}
LATER = {"prefer": "respond-async"}
FILE = b"id,name,email\n1,Anna,anna@example.com\nbroken\n2,Bo,bo@example.com\n"


@pytest.fixture
async def scaled(environment: dict[str, str], valkey: Valkey) -> AsyncIterator[Service]:
    """The service with a Redis beside it."""
    async with in_process(redis_url=valkey.url) as running:
        yield running


@asynccontextmanager
async def job_process(service: Service, **handlers: Any) -> AsyncIterator[JobEngine]:
    parts = service.parts
    assert parts.settings.redis is not None
    new_users = NewUsers(parts.job_requests, welcomes=False)
    mine = UserJobs(parts.database, parts.clock, new_users, parts.users.changed).handlers()
    engine = JobEngine(
        parts.settings.redis, parts.database, mine | handlers, parts.clock, parts.job_requests
    )
    engine.start()
    try:
        yield engine
    finally:
        await engine.drain()


async def ask(service: Service, name: str, **payload: Any) -> str:
    job = NewJob(new_job_id(), DATABASE_OPERATIONS, name, payload)
    async with service.parts.database.write() as connection:
        await statements.add(connection, [job], service.parts.clock.now_ms())
    return job.id


async def read(service: Service, job_id: str) -> dict[str, Any]:
    answer = await service.client.get(f"/jobs/{job_id}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    return dict(answer.json())


async def ended(service: Service, job_id: str, state: str = "completed") -> dict[str, Any]:
    async def there() -> bool:
        return (await read(service, job_id))["state"] == state

    await until(there)
    return await read(service, job_id)


class TestAskingForAUser:
    async def test_a_user_is_created_a_moment_later(self, scaled: Service) -> None:
        answer = await scaled.client.post("/users", json=JANE, headers=LATER)
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "respond-async"
        job = answer.json()
        assert answer.headers["location"] == f"/jobs/{job['id']}"
        assert job == {
            "id": job["id"],
            "name": "create-user",
            "state": "waiting",
            "progress": None,
            "result": None,
            "error": None,
        }
        assert (await scaled.client.get("/users/123")).status_code == 404
        async with job_process(scaled):
            done = await ended(scaled, job["id"])
        assert done["result"] == {"id": "123", "location": "/users/123"}
        created = (await scaled.client.get(done["result"]["location"])).json()
        assert (created["name"], created["email"]) == ("Jane Smith", "jane@example.com")

    async def test_a_duplicate_is_a_failed_job_that_says_why(self, scaled: Service) -> None:
        await scaled.client.post("/users", json=JANE)
        job = (await scaled.client.post("/users", json=JANE, headers=LATER)).json()
        async with job_process(scaled):
            failed = await ended(scaled, job["id"], "failed")
        assert failed["error"] == "A user with this id exists already."

    async def test_a_body_that_does_not_fit_is_refused_at_once(self, scaled: Service) -> None:
        answer = await scaled.client.post("/users", json={**JANE, "email": "x"}, headers=LATER)
        assert answer.status_code == 400

    @pytest.mark.parametrize("prefer", ["Respond-Async, wait=10", "return=minimal, respond-async"])
    async def test_a_preference_may_stand_among_others(self, service: Service, prefer: str) -> None:
        answer = await service.client.post("/users", json=JANE, headers={"prefer": prefer})
        assert answer.status_code == 202

    @pytest.mark.parametrize("prefer", ["", "wait=10", "respond-asynchronously"])
    async def test_any_other_preference_changes_nothing(
        self, service: Service, prefer: str
    ) -> None:
        answer = await service.client.post("/users", json=JANE, headers={"prefer": prefer})
        assert answer.status_code == 201

    async def test_a_job_knows_the_request_that_asked_for_it(self, service: Service) -> None:
        await service.client.post("/users", json=JANE, headers=LATER | {"x-request-id": "abc-7"})
        async with service.parts.database.read() as connection:
            trace = (await connection.execute(select(outbox.c.trace))).scalar_one()
        assert trace == '{"requestId":"abc-7"}'


class TestImporting:
    async def post(self, service: Service, content: bytes, media_type: str = CSV) -> dict[str, Any]:
        answer = await service.client.post(
            "/users/import", content=content, headers={"content-type": media_type}
        )
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/jobs/{answer.json()['id']}"
        return dict(answer.json())

    async def test_a_file_becomes_users_and_a_list_of_what_was_refused(
        self, scaled: Service
    ) -> None:
        job = await self.post(scaled, FILE, "text/csv; charset=utf-8")
        async with job_process(scaled):
            done = await ended(scaled, job["id"])
        result = done["result"]
        assert (result["created"], result["refused"]) == (2, 1)
        file = await scaled.client.get(result["refusals"])
        assert file.status_code == 200
        assert file.headers["content-type"].startswith("text/csv")
        assert file.headers["content-disposition"] == 'attachment; filename="refused.csv"'
        assert file.text == '"line","reason"\r\n3,"has 1 columns, and the first line 3"\r\n'
        assert (await scaled.client.get("/users/2")).status_code == 200

    async def test_json_lines_are_taken_too(self, scaled: Service) -> None:
        line = b'{"id":"7","name":"G","email":"g@example.com"}'
        job = await self.post(scaled, line, NDJSON)
        async with job_process(scaled):
            assert (await ended(scaled, job["id"]))["result"]["created"] == 1

    async def test_what_was_sent_in_cannot_be_fetched(self, service: Service) -> None:
        await self.post(service, FILE)
        async with service.parts.database.read() as connection:
            found = await connection.execute(select(files.files.c.id))
            (file_id,) = found.scalars().all()
        answer = await service.client.get(f"/files/{file_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")

    @pytest.mark.shared_service
    @pytest.mark.parametrize("media_type", ["application/json", "text/plain", ""])
    async def test_another_type_is_refused_with_those_that_are_taken(
        self, service: Service, media_type: str
    ) -> None:
        answer = await service.client.post(
            "/users/import", content=FILE, headers={"content-type": media_type}
        )
        assert answer.status_code == 415
        assert "`application/x-ndjson` or `text/csv`" in answer.json()["error"]

    @pytest.mark.parametrize("headers", [{"content-type": CSV}, {}])
    async def test_nothing_is_no_file(self, service: Service, headers: dict[str, str]) -> None:
        answer = await service.client.post("/users/import", content=b"", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        async with service.parts.database.read() as connection:
            assert (await connection.execute(select(outbox))).first() is None

    async def test_a_file_that_is_too_large_is_refused_and_leaves_no_job(
        self, service: Service
    ) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(33):
                yield b"x" * 1024 * 1024

        answer = await service.client.post(
            "/users/import", content=endless(), headers={"content-type": CSV}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        async with service.parts.database.read() as connection:
            assert (await connection.execute(select(outbox))).first() is None

    async def test_other_routes_take_no_csv(self, service: Service) -> None:
        answer = await service.client.post("/users", content=FILE, headers={"content-type": CSV})
        assert answer.status_code == 415


class TestLooking:
    @pytest.mark.shared_service
    @pytest.mark.parametrize("job_id", ["nobody", "job-" + "0" * 32, "job-%00", "purge-2026"])
    async def test_a_job_that_nobody_knows_is_not_found(
        self, service: Service, job_id: str
    ) -> None:
        for method, path in (("GET", f"/jobs/{job_id}"), ("POST", f"/jobs/{job_id}/retry")):
            answer = await service.client.request(method, path)
            code = "not_found" if "%00" in job_id else "job_not_found"
            assert (answer.status_code, answer.json()["code"]) == (404, code)

    @pytest.mark.shared_service
    @pytest.mark.parametrize("file_id", ["nobody", "file-" + "0" * 32, "file-%00"])
    async def test_a_file_that_nobody_knows_is_not_found(
        self, service: Service, file_id: str
    ) -> None:
        answer = await service.client.get(f"/files/{file_id}")
        code = "not_found" if "%00" in file_id else "file_not_found"
        assert (answer.status_code, answer.json()["code"]) == (404, code)

    async def test_a_file_that_has_expired_is_not_found(self, service: Service) -> None:
        file_id = await files.spool(service.parts.database, "x.csv", CSV, [b"x"], 1, 2)
        assert (await service.client.get(f"/files/{file_id}")).status_code == 404

    async def test_a_job_is_seen_on_its_way(self, scaled: Service) -> None:
        go = asyncio.Event()

        async def slow(job: Any) -> dict[str, int]:
            if job.attempt == 1:
                raise ConnectionError("no answer")
            await job.report({"line": 500})
            await go.wait()
            return {"lines": 500}

        job_id = await ask(scaled, "slow")
        assert (await read(scaled, job_id))["state"] == "waiting"
        async with job_process(scaled, slow=slow):
            delayed = await ended(scaled, job_id, "delayed")
            assert delayed["error"] == "ConnectionError: no answer"

            async def told() -> bool:
                return (await read(scaled, job_id))["progress"] == {"line": 500}

            await until(told)
            assert (await read(scaled, job_id))["state"] == "active"
            go.set()
            assert (await ended(scaled, job_id))["result"] == {"lines": 500}

    async def test_jobs_are_shown_in_numbers(self, scaled: Service) -> None:
        async def work(job: Any) -> None:
            if job.payload.get("fail"):
                raise ZeroDivisionError

        async def fail(_job: Any) -> None:
            raise jobs.JobNotFailed  # any error of ours

        for _ in range(3):
            await ask(scaled, "work")
        failing = await ask(scaled, "nobody-knows-me")
        async with job_process(scaled, work=work, fail=fail):
            await ended(scaled, failing, "failed")

            async def done() -> bool:
                found = (await scaled.client.get("/jobs")).json()
                return bool(found["queues"][0]["completed"] >= 3)

            await until(done)
        found = (await scaled.client.get("/jobs")).json()
        assert [queue["name"] for queue in found["queues"]] == [
            "database-operations",
            "notifications",
        ]
        queue = found["queues"][0]
        assert (queue["waiting"], queue["active"], queue["delayed"], queue["failed"]) == (
            0,
            0,
            0,
            1,
        )
        assert queue["throughputPerSecond"] > 0
        assert 0 <= queue["durationMs"]["mean"] <= queue["durationMs"]["longest"]
        assert queue["commitToDoneMs"] >= queue["durationMs"]["mean"]
        assert found["redis"] == "ok"
        assert [error["id"] for error in found["lastErrors"]] == [failing]

    async def test_the_oldest_job_has_an_age(self, scaled: Service) -> None:
        assert (await scaled.client.get("/jobs")).json()["oldestSeconds"] is None
        await ask(scaled, "work")
        async with scaled.parts.database.write() as connection:
            await connection.execute(
                update(outbox).values(created_at_ms=outbox.c.created_at_ms - 90_000)
            )
        assert (await scaled.client.get("/jobs")).json()["oldestSeconds"] >= 90


class TestWithoutRedis:
    async def test_jobs_are_taken_and_shown_as_far_as_the_database_knows(
        self, scaled: Service, valkey: Valkey
    ) -> None:
        valkey.kill()
        job = (await scaled.client.post("/users", json=JANE, headers=LATER)).json()
        assert (await read(scaled, job["id"]))["state"] == "waiting"
        found = (await scaled.client.get("/jobs")).json()
        assert found["redis"] == "unavailable"
        assert found["queues"][0]["waiting"] is None
        assert found["queues"][0]["failed"] == 0
        async with job_process(scaled):
            valkey.start()
            assert (await ended(scaled, job["id"]))["result"]["id"] == "123"

    async def test_a_frozen_redis_does_not_hold_up_an_answer_for_long(
        self, scaled: Service, valkey: Valkey
    ) -> None:
        job = (await scaled.client.post("/users", json=JANE, headers=LATER)).json()
        valkey.freeze()
        try:
            async with asyncio.timeout(10):
                assert (await read(scaled, job["id"]))["state"] == "waiting"
                assert (await scaled.client.get("/jobs")).json()["redis"] == "unavailable"
        finally:
            valkey.thaw()


class TestFailedJobs:
    async def fail(self, service: Service, number: int) -> list[str]:
        ids = []
        for n in range(number):
            job_id = await ask(service, "work")
            async with service.parts.database.write() as connection:
                await statements.fail(connection, "", job_id, f"why {n}", 1_001 + n // 2)
            ids.append(job_id)
        return ids

    async def test_they_are_listed_in_pages_the_latest_first(self, service: Service) -> None:
        ids = await self.fail(service, 7)
        seen = []
        cursor = ""
        while True:
            page = (await service.client.get(f"/jobs/failed?limit=3{cursor}")).json()
            seen += page["items"]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert sorted(each["id"] for each in seen) == sorted(ids)
        times = [each["failedAt"] for each in seen]
        assert times == sorted(times, reverse=True)
        assert seen[0]["error"] == "why 6"
        assert seen[0]["queue"] == "database-operations"

    async def test_a_cursor_of_another_list_is_refused(self, service: Service) -> None:
        answer = await service.client.get("/jobs/failed?cursor=bnVsbA")
        assert answer.status_code == 400

    async def test_one_is_tried_again_with_all_its_attempts(self, scaled: Service) -> None:
        attempts = []

        async def work(job: Any) -> None:
            attempts.append(job.attempt)

        (job_id,) = await self.fail(scaled, 1)
        answer = await scaled.client.post(f"/jobs/{job_id}/retry")
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        assert (await scaled.client.get("/jobs/failed")).json()["items"] == []
        async with job_process(scaled, work=work):
            await ended(scaled, job_id)
        assert attempts == [1]

    async def test_one_that_did_not_fail_is_not_tried_again(self, service: Service) -> None:
        job_id = await ask(service, "work")
        answer = await service.client.post(f"/jobs/{job_id}/retry")
        assert (answer.status_code, answer.json()["code"]) == (409, "job_not_failed")


class TestMetrics:
    async def test_what_was_done_and_what_waits_is_shown(
        self, scaled: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job_watch, "READ_JOBS_EVERY_S", 0.01)

        async def work(_job: Any) -> None:
            return None

        async def shows(line: str) -> bool:
            return line in (await scaled.client.get("/metrics")).text

        async with job_process(scaled, work=work):
            await ended(scaled, await ask(scaled, "work"))
            done = 'job_attempts_total{name="work",outcome="done",queue="database-operations"} 1.0'
            await until(lambda: shows(done))
            await until(lambda: shows("outbox_oldest_seconds 0.0"))
            count = 'job_duration_seconds_count{name="work",queue="database-operations"} 1.0'
            await until(lambda: shows(count))
            completed = 'jobs{queue="database-operations",state="completed"}'
            await until(lambda: shows(completed))


async def test_a_purge_is_asked_for_and_done_without_anybody_asking(scaled: Service) -> None:
    await files.spool(scaled.parts.database, "x.csv", CSV, [b"x"], 1, 2)

    async def gone() -> bool:
        async with scaled.parts.database.read() as connection:
            return (await connection.execute(select(file_chunks))).first() is None

    async with job_process(scaled):
        await until(gone)
