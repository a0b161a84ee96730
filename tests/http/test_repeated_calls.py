"""`Idempotency-Key` of callers without an API key: who gets the first answer, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update
from tests.support.jobs_by_hand import job
from tests.support.seating import KEY, on_sale, statuses
from tests.support.service import Service, in_process

from event_seating.booking.reads import earlier_release, rendering
from event_seating.booking.seat_log.ports import ENDED_KEPT_MS
from event_seating.db.tables import idempotency
from event_seating.jobs.purge import Purge

pytestmark = pytest.mark.anyio

ADMIN = "an-admin-key-of-the-test-only"
ANNA, BEN = "198.51.100.1", "203.0.113.9"


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    """Behind a proxy, so that each call may come from another address."""
    async with in_process(trusted_proxies="192.0.2.1", admin_api_key=ADMIN) as running:
        yield running


@pytest.fixture
async def event(service: Service) -> str:
    return await selling(service)


async def selling(service: Service, **rules: int) -> str:
    """An event that the operator made; who calls after that is a buyer."""
    service.client.headers["authorization"] = f"Bearer {ADMIN}"
    event = await on_sale(service, **rules)
    del service.client.headers["authorization"]
    return event


async def call(
    service: Service,
    method: str,
    path: str,
    address: str = ANNA,
    *,
    cookie: str | None = None,
    key: str = KEY,
    staff: bool = False,
    **more: Any,
) -> httpx.Response:
    """A call of a client that keeps no cookies by itself."""
    service.client.cookies.clear()
    headers = {"x-forwarded-for": address, "idempotency-key": key}
    if cookie is not None:
        headers["cookie"] = cookie
    if staff:
        headers["authorization"] = f"Bearer {ADMIN}"
    return await service.client.request(method, path, headers=headers, **more)


async def hold(
    service: Service, event: str, address: str = ANNA, *, seat: str = "A-1-1", **more: Any
) -> httpx.Response:
    body = {"seats": [seat]}
    return await call(service, "POST", f"/events/{event}/holds", address, json=body, **more)


def cookie_of(answer: httpx.Response) -> str:
    return str(answer.headers["set-cookie"].partition(";")[0])


async def rows(service: Service, what: str = "*") -> list[Any]:
    async with service.parts.database.read() as connection:
        return list(await connection.execute(text(f"SELECT {what} FROM idempotency")))


async def change(service: Service, **values: Any) -> None:
    async with service.parts.database.write() as connection:
        await connection.execute(update(idempotency).values(values))


class TestWhoGetsTheFirstAnswer:
    async def test_another_caller_with_the_same_key_gets_no_token(
        self, service: Service, event: str
    ) -> None:
        first = await hold(service, event)
        other = await hold(service, event, BEN)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_in_use")
        assert first.json()["holdToken"][:34] not in other.text
        assert "set-cookie" not in other.headers
        assert (await statuses(service, event))["held"] == 1

    async def test_nor_one_with_a_cookie_of_their_own(self, service: Service, event: str) -> None:
        theirs = cookie_of(
            await hold(service, event, BEN, seat="A-3-1", key="another-key-that-is-long")
        )
        await hold(service, event, key=KEY)
        other = await hold(service, event, BEN, cookie=theirs)
        assert other.json()["code"] == "idempotency_key_in_use"

    async def test_nor_do_they_learn_whether_the_request_was_the_same(
        self, service: Service, event: str
    ) -> None:
        await hold(service, event)
        other = await hold(service, event, BEN, seat="A-1-2")
        assert other.json()["code"] == "idempotency_key_in_use"

    async def test_who_lost_the_answer_gets_it_with_the_same_cookie(
        self, service: Service, event: str
    ) -> None:
        first, again = await hold(service, event), await hold(service, event)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert cookie_of(again) == cookie_of(first)

    async def test_who_moved_to_another_network_is_known_by_the_cookie(
        self, service: Service, event: str
    ) -> None:
        first = await hold(service, event)
        again = await hold(service, event, BEN, cookie=cookie_of(first))
        assert again.json() == first.json()
        assert "set-cookie" not in again.headers

    async def test_a_buyer_who_had_a_cookie_is_known_by_it_too(
        self, service: Service, event: str
    ) -> None:
        mine = cookie_of(await hold(service, event, key="another-key-that-is-long"))
        first = await hold(service, event, cookie=mine, seat="A-2-1")
        again = await hold(service, event, BEN, cookie=mine, seat="A-2-1")
        assert first.status_code == 201
        assert again.json() == first.json()

    async def test_a_household_of_ipv6_addresses_is_one_caller(
        self, service: Service, event: str
    ) -> None:
        first = await hold(service, event, "2001:db8::1")
        again = await hold(service, event, "2001:db8::2")
        other = await hold(service, event, "2001:db8:1::1")
        assert again.json() == first.json()
        assert other.status_code == 409

    async def test_who_has_the_token_has_proved_enough(self, service: Service, event: str) -> None:
        token = (await hold(service, event)).json()["holdToken"]
        body = {"add": {"seats": ["A-1-2"]}}
        answers = [
            await call(service, "PATCH", f"/holds/{token}", address, json=body)
            for address in (ANNA, BEN)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()

    async def test_two_at_the_same_moment_are_two_callers(
        self, service: Service, event: str
    ) -> None:
        answers = await asyncio.gather(*(hold(service, event, f"198.51.100.{n}") for n in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


class TestWhatIsStored:
    async def test_neither_the_key_nor_who_called(self, service: Service, event: str) -> None:
        answer = await hold(service, event, key="k" * 255)
        (row,) = await rows(service)
        assert len(row.key) == 43
        name = cookie_of(answer).removeprefix("buyer=").partition(".")[0]
        assert not [value for value in row for part in (ANNA, name) if part in str(value)]

    async def test_a_row_of_the_release_before_is_still_answered(
        self, service: Service, event: str
    ) -> None:
        first = await hold(service, event)
        before = {"result": None, "result_format": None}
        await change(service, key=KEY, buyer=None, address=None, hold=None, until_ms=None, **before)
        again = await hold(service, event)
        assert again.json() == first.json()
        assert (await statuses(service, event))["held"] == 1

    async def test_the_result_names_nobody_and_has_no_token(
        self, service: Service, event: str
    ) -> None:
        token = (await hold(service, event)).json()["holdToken"]
        body = {"holdToken": token, "orderRef": "R-1", "metadata": {"name": "Anna"}}
        booked = await call(service, "POST", "/bookings", staff=True, json=body)
        assert booked.status_code == 201, booked.text
        stored = b"".join(bytes(row.result) for row in await rows(service))
        for secret in (token[34:], "R-1", "Anna"):
            assert secret.encode() not in stored


class TestTheAnswerIsMadeOfTheResult:
    async def test_not_of_what_the_release_before_reads(self, service: Service, event: str) -> None:
        first = await hold(service, event)
        await change(service, status=0, answer=b"")
        again = await hold(service, event)
        assert (again.status_code, again.json()) == (201, first.json())
        assert cookie_of(again) == cookie_of(first)

    async def test_who_got_none_when_it_could_not_be_made_asks_again(
        self, service: Service, event: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The seats are held by then: what fails is the answer, and nothing else."""
        made = rendering.hold
        failing = [ValueError("a fault in the making of an answer")]

        def fails_once(*about: Any) -> Any:
            if failing:
                raise failing.pop()
            return made(*about)

        monkeypatch.setattr(rendering, "hold", fails_once)
        first = await hold(service, event)
        assert (first.status_code, first.json()["code"]) == (500, "internal")
        assert (await statuses(service, event))["held"] == 1
        again = await hold(service, event)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert again.json()["seats"] == ["A-1-1"]
        assert (await statuses(service, event))["held"] == 1

    async def test_one_whose_stored_answer_cannot_be_made_holds_nothing(
        self, service: Service, event: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is made in the batch, of which the others are granted."""

        def fails(*_about: Any) -> Any:
            raise ValueError("a fault in the making of an answer")

        monkeypatch.setattr(earlier_release, "hold", fails)
        body = {"seats": ["A-1-2"]}
        guilty, other = await asyncio.gather(
            hold(service, event),
            service.client.post(f"/events/{event}/holds", json=body),
        )
        assert (guilty.status_code, other.status_code) == (500, 201)
        assert (await statuses(service, event))["held"] == 1
        assert await rows(service) == []

    @pytest.mark.parametrize("left", [{"at_ms": 1}, {"result_format": 99}])
    async def test_a_result_that_is_not_of_this_call_or_not_known_is_not_answered(
        self, service: Service, event: str, left: dict[str, int]
    ) -> None:
        """The release before writes over a row that is old, and leaves the result in it."""
        first = await hold(service, event)
        now_ms = (await rows(service))[0].at_ms
        if "at_ms" in left:
            left = {"at_ms": now_ms + 1}
        token = first.json()["holdToken"]
        answer = (await rows(service))[0].answer.replace(b"A-1-1", b"A-9-9")
        await change(service, answer=answer, **left)
        again = (await hold(service, event)).json()
        assert (again["holdToken"], again["seats"]) == (token, ["A-9-9"])


class TestAHoldThatEnded:
    async def test_its_answer_shrinks_to_a_stub_that_says_so(
        self, service: Service, event: str
    ) -> None:
        token = (await hold(service, event)).json()["holdToken"]
        await call(service, "POST", f"/holds/{token}/extend")
        assert (await call(service, "DELETE", f"/holds/{token}")).status_code == 204
        for answer in (
            await hold(service, event),
            await call(service, "POST", f"/holds/{token}/extend"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (410, "hold_released")
            assert answer.json()["booked"] is False
            assert "set-cookie" not in answer.headers
        assert (await call(service, "DELETE", f"/holds/{token}")).status_code == 204, "as before"
        assert (await statuses(service, event))["held"] == 0
        stored = await rows(service, "length(answer) AS bytes, until_ms - at_ms AS ms")
        assert len(stored) == 3
        assert all(row.bytes <= 50 and row.ms >= ENDED_KEPT_MS for row in stored)
        assert [row.result for row in await rows(service) if row.hold] == [None, None]

    async def test_one_that_the_release_before_shrank_is_answered_the_same(
        self, service: Service, event: str
    ) -> None:
        """It leaves the result in the row."""
        token = (await hold(service, event)).json()["holdToken"]
        result = (await rows(service))[0].result
        await call(service, "DELETE", f"/holds/{token}", key="another-key-that-is-long")
        async with service.parts.database.write() as connection:
            left = update(idempotency).where(idempotency.c.hold.is_not(None))
            await connection.execute(left.values(result=result, result_format=1))
        answer = await hold(service, event)
        assert (answer.status_code, answer.json()["code"]) == (410, "hold_released")

    async def test_one_that_ran_out_says_so_before_anybody_has_swept_it(
        self, service: Service
    ) -> None:
        event = await selling(service, hold_ttl_ms=1)
        token = (await hold(service, event)).json()["holdToken"]
        while (await service.client.get(f"/holds/{token}")).status_code == 200:
            pass
        answer = await hold(service, event)
        assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")

    async def test_one_that_was_booked_still_gives_its_answer(
        self, service: Service, event: str
    ) -> None:
        first = await hold(service, event)
        body = {"holdToken": first.json()["holdToken"]}
        booked = await call(service, "POST", "/bookings", staff=True, json=body)
        assert booked.status_code == 201, booked.text
        assert (await hold(service, event)).json() == first.json()

    async def test_nothing_is_left_of_it_after_an_hour(self, service: Service, event: str) -> None:
        first = await hold(service, event)
        token = first.json()["holdToken"]
        await call(service, "DELETE", f"/holds/{token}")
        await change(service, until_ms=1)  # an hour later
        again = await hold(service, event)
        assert again.status_code == 201, "the key is free"
        assert again.json()["holdToken"] != token
        await call(service, "DELETE", f"/holds/{again.json()['holdToken']}", key="k" * 30)
        await change(service, until_ms=1)
        await purge(service)
        assert await rows(service) == []


async def purge(service: Service) -> None:
    parts = service.parts
    await Purge(parts.database, parts.clock, parts.job_requests).purge(job("purge", {}))
