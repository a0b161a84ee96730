"""What one buyer, one address and one network may hold, over HTTP; and what the box office does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.seating import KEY, hold, on_sale, on_sale_by, statuses
from tests.support.service import Service, in_process

pytestmark = pytest.mark.anyio

PROXY = "10.0.0.1"
IPV4, OTHER = "192.0.2.7", "198.51.100.9"


@pytest.fixture
async def proxied(environment: dict[str, str]) -> AsyncIterator[Service]:
    """The service behind a proxy whose `X-Forwarded-For` is believed."""
    async with in_process(peer=PROXY, trusted_proxies=PROXY) as service:
        yield service


async def ask(
    service: Service, event: str, body: dict[str, Any], address: str, *, fresh: bool = True
) -> httpx.Response:
    """A hold from this address, by default without the cookie of an earlier one."""
    if fresh:
        service.client.cookies.clear()
    headers = {"x-forwarded-for": address}
    return await service.client.post(f"/events/{event}/holds", json=body, headers=headers)


def floor(places: int) -> dict[str, Any]:
    return {"areas": {"floor": places}}


async def test_the_first_hold_counts_on_the_cookie_that_it_gives(service: Service) -> None:
    event = await on_sale(service)
    for number in range(5):  # five holds of eight, the first of them without a cookie
        answer = await hold(service, event, areas={"floor": 8})
        assert answer.status_code == 201, number
    answer = await hold(service, event, areas={"floor": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_held")
    assert (answer.json()["limit"], answer.json()["heldBy"]) == (40, "buyer")
    assert answer.json()["error"].startswith("You hold too many seats")


async def test_a_repeated_first_call_gives_the_cookie_on_which_its_hold_counts(
    service: Service,
) -> None:
    event = await on_sale(service, max_held_seats_per_buyer=8)
    url, headers = f"/events/{event}/holds", {"idempotency-key": KEY}
    first = await service.client.post(url, json=floor(8), headers=headers)
    names = [first.cookies["buyer"].partition(".")[0]]
    service.client.cookies.clear()  # its answer was lost on the way
    again = await service.client.post(url, json=floor(8), headers=headers)
    names.append(again.cookies["buyer"].partition(".")[0])
    assert names[0] == names[1]
    assert (await hold(service, event, "A-1-1")).status_code == 422


async def test_fresh_cookies_gain_an_address_nothing(service: Service) -> None:
    event = await on_sale(service, max_held_seats_per_address=20)
    for number in range(1, 12):
        service.client.cookies.clear()
        answer = await hold(service, event, areas={"floor": 2})
        assert answer.status_code == (201 if number <= 10 else 422), number
    assert (answer.json()["limit"], answer.json()["heldBy"]) == (20, "address")
    assert "perhaps by others who share it" in answer.json()["error"]


@pytest.mark.parametrize(
    ("addresses", "places", "held_by"),
    [
        pytest.param([IPV4], 20, "address", id="IPv4"),
        pytest.param([IPV4, f"::ffff:{IPV4}", "::ffff:c000:207"], 20, "address", id="mapped"),
        pytest.param([IPV4, "2002:c000:207:1::1", "2002:c000:207:2::1"], 20, "address", id="6to4"),
        pytest.param([f"2001:db8:1:2::{n:x}" for n in range(60)], 20, "address", id="one /64"),
        pytest.param([f"2001:db8:1:{n:x}::1" for n in range(60)], 40, "network", id="one /56"),
    ],
)
async def test_an_address_and_its_neighbours_hold_no_more_than_their_cap(
    proxied: Service, addresses: list[str], places: int, held_by: str
) -> None:
    event = await on_sale(proxied, floor=200, max_held_seats_per_address=20)
    refused = None
    for number in range(60):
        answer = await ask(proxied, event, floor(2), addresses[number % len(addresses)])
        refused = refused or (answer if answer.status_code == 422 else None)
    assert (await statuses(proxied, event))["held"] == places
    assert refused is not None
    assert refused.json()["heldBy"] == held_by
    assert (await ask(proxied, event, floor(2), OTHER)).status_code == 201
    assert (await ask(proxied, event, floor(2), "2001:db8:2::1")).status_code == 201


async def test_a_change_that_adds_counts_on_the_address_of_its_hold(proxied: Service) -> None:
    event = await on_sale(proxied, max_held_seats_per_address=20)
    tokens = [(await ask(proxied, event, floor(2), IPV4)).json()["holdToken"] for _ in range(8)]
    answers = [
        await proxied.client.patch(
            f"/holds/{token}", json={"add": floor(4)}, headers={"x-forwarded-for": address}
        )
        for token, address in zip(tokens, (IPV4, OTHER), strict=False)
    ]
    assert [answer.status_code for answer in answers] == [200, 422]
    assert answers[1].json()["heldBy"] == "address"
    assert (await statuses(proxied, event))["held"] == 20
    assert (await ask(proxied, event, floor(8), OTHER)).status_code == 201


async def test_forwarded_addresses_of_who_is_no_proxy_of_ours_gain_nothing(
    service: Service,
) -> None:
    event = await on_sale(service, max_held_seats_per_address=20)
    for number in range(30):
        await ask(service, event, floor(1), f"203.0.113.{number}")
    assert (await statuses(service, event))["held"] == 20


async def test_a_buyer_who_has_the_token_of_a_hold_of_nobody_adds_no_more_than_a_hold_may_have(
    environment: dict[str, str],
) -> None:
    key = "the-key-of-the-box-office"
    staff = {"authorization": f"Bearer {key}"}
    async with in_process(admin_api_key=key) as service:
        event = await on_sale_by(service, key)
        held = {"seats": ["A-1-1"]}
        placed = await service.client.post(f"/events/{event}/holds", json=held, headers=staff)
        token = placed.json()["holdToken"]
        for add, code in ((8, 422), (7, 200), (1, 422)):
            answer = await service.client.patch(f"/holds/{token}", json={"add": floor(add)})
            assert answer.status_code == code, answer.text
            if code != 200:
                assert answer.json()["code"] == "too_many_seats"
        swapped = {"add": {"seats": ["A-1-2"]}, "remove": {"seats": ["A-1-1"]}}
        assert (await service.client.patch(f"/holds/{token}", json=swapped)).status_code == 200
        body = {"add": {"seats": ["A-1-1"]}}
        answer = await service.client.patch(f"/holds/{token}", json=body, headers=staff)
        assert answer.status_code == 200, "the box office is not capped"


async def test_two_hundred_buyers_of_one_address_buy(service: Service) -> None:
    event = await on_sale(service, floor=500)

    async def buy() -> httpx.Response:
        client = httpx.AsyncClient(
            transport=service.client._transport, base_url=service.client.base_url
        )
        answer = await client.post(f"/events/{event}/holds", json=floor(2))
        assert answer.status_code == 201, answer.text
        return await client.post("/bookings", json={"holdToken": answer.json()["holdToken"]})

    booked = await asyncio.gather(*(buy() for _ in range(200)))
    assert {answer.status_code for answer in booked} == {201}
    assert (await statuses(service, event))["booked"] == 400


async def test_a_cookie_that_we_did_not_make_is_nobodys(service: Service) -> None:
    event = await on_sale(service, max_held_seats_per_buyer=1)
    await hold(service, event, "A-1-1")
    for forged in ("somebody.else", "x" * 16 + "." + "A" * 16, ".", "a.b.c", "x.ü"):
        service.client.cookies.clear()
        service.client.cookies.set("buyer", forged.encode("unicode_escape").decode())
        answer = await hold(service, event, areas={"floor": 1})
        assert answer.status_code == 201
        assert "buyer=" in answer.headers["set-cookie"]
        assert "HttpOnly" in answer.headers["set-cookie"]


class TestReleasing:
    """`POST /events/{id}/holds/release`."""

    @pytest.fixture
    async def staffed(self, environment: dict[str, str]) -> AsyncIterator[Service]:
        key = "k" * 30
        more: dict[str, Any] = {"admin_api_key": key, "app_env": "production", "log_dir": "off"}
        async with in_process(peer=PROXY, trusted_proxies=PROXY, **more) as service:
            service.client.headers["authorization"] = f"Bearer {key}"
            yield service

    async def release(self, service: Service, event: str, **body: Any) -> httpx.Response:
        return await service.client.post(f"/events/{event}/holds/release", json=body)

    async def anonymous(
        self, service: Service, event: str, body: dict[str, Any], address: str
    ) -> httpx.Response:
        key = service.client.headers.pop("authorization")
        try:
            return await ask(service, event, body, address)
        finally:
            service.client.headers["authorization"] = key

    async def test_all_that_an_address_holds_is_given_back_with_the_actor(
        self, staffed: Service
    ) -> None:
        event = await on_sale(staffed, floor=300)
        for _ in range(120):
            assert (await self.anonymous(staffed, event, floor(1), IPV4)).status_code == 201
        await self.anonymous(staffed, event, {"seats": ["A-1-1"]}, IPV4)
        await self.anonymous(staffed, event, floor(3), OTHER)
        answer = await self.release(staffed, event, address=IPV4)
        assert answer.status_code == 200
        body = answer.json()
        assert body.pop("version") > 0
        assert body == {
            "holds": 121, "count": 121, "seats": ["A-1-1"], "areas": {"floor": 120}, "more": False
        }  # fmt: skip
        assert (await statuses(staffed, event))["held"] == 3
        trail = (await staffed.client.get(f"/events/{event}/log?limit=200")).json()["items"]
        entries = [
            entry
            for row in trail
            for entry in row["entries"]
            if entry["operations"][0]["type"] == "release"
        ]
        assert [entry["actor"] for entry in entries] == ["admin", "admin"]
        assert [len(entry["operations"]) for entry in entries] == [100, 21]
        assert entries[0]["operations"][0]["takenAway"] is True

    async def test_what_was_taken_away_is_refused_to_them_and_to_nobody_else(
        self, staffed: Service
    ) -> None:
        event = await on_sale(staffed)
        wish = {"seats": ["A-1-1", "A-1-2"]}
        await self.anonymous(staffed, event, wish, IPV4)
        await self.release(staffed, event, address=IPV4)
        answer = await self.anonymous(staffed, event, wish, f"::ffff:{IPV4}")
        assert (answer.status_code, answer.json()["code"]) == (409, "cooling_down")
        assert 115 < answer.json()["retryAfter"] <= 120
        assert answer.headers["retry-after"] == str(answer.json()["retryAfter"])
        assert answer.json()["seats"] == [
            {"seat": seat, "code": "cooling_down"} for seat in wish["seats"]
        ]
        assert (await self.anonymous(staffed, event, wish, OTHER)).status_code == 201

    async def test_by_reference_by_token_and_by_the_id_that_the_map_shows(
        self, staffed: Service
    ) -> None:
        event = await on_sale(staffed)
        url = f"/events/{event}/holds"
        for _ in range(2):
            await staffed.client.post(url, json={**floor(2), "buyerRef": "R-1"})
        assert (await self.release(staffed, event, buyerRef="R-1")).json()["holds"] == 2
        assert (await self.release(staffed, event, buyerRef="R-1")).json()["holds"] == 0
        token = (await self.anonymous(staffed, event, floor(2), IPV4)).json()["holdToken"]
        await self.anonymous(staffed, event, floor(2), IPV4)
        assert (await self.release(staffed, event, holdToken=token)).json()["holds"] == 1
        await self.anonymous(staffed, event, {"seats": ["A-1-1"]}, IPV4)
        seat = (await staffed.client.get(f"/events/{event}/seats/A-1-1")).json()
        answer = await self.release(staffed, event, holdId=seat["holdId"], sameAddress=True)
        assert (answer.json()["holds"], answer.json()["count"]) == (2, 3)

    @pytest.mark.parametrize(
        ("named", "count"),
        [("2001:db8::7", 1), ("2001:db8::/64", 1), ("2001:db8::/56", 2), ("2001:DB8::1:7", 1)],
    )
    async def test_by_an_ipv6_address_or_network(
        self, staffed: Service, named: str, count: int
    ) -> None:
        event = await on_sale(staffed)
        for address in ("2001:db8::1", "2001:db8:0:1::1", "2001:db8:1::1"):
            await self.anonymous(staffed, event, floor(1), address)
        assert (await self.release(staffed, event, address=named)).json()["count"] == count

    async def test_a_repeated_call_gets_the_first_answer(self, staffed: Service) -> None:
        event = await on_sale(staffed)
        await self.anonymous(staffed, event, floor(2), IPV4)
        staffed.client.headers["idempotency-key"] = KEY
        first = await self.release(staffed, event, address=IPV4)
        again = await self.release(staffed, event, address=IPV4)
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        other = await self.release(staffed, event, address=OTHER)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize("more", [{}, {"sameAddress": True}])
    async def test_a_repeated_call_by_a_hold_that_the_first_one_ended_gets_its_answer(
        self, staffed: Service, more: dict[str, Any]
    ) -> None:
        event = await on_sale(staffed, floor=300)
        for _ in range(102):
            token = (await self.anonymous(staffed, event, floor(1), IPV4)).json()["holdToken"]
        staffed.client.headers["idempotency-key"] = KEY
        first = await self.release(staffed, event, holdToken=token, **more)
        assert first.json()["holds"] == (102 if more else 1)
        again = await self.release(staffed, event, holdToken=token, **more)
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        del staffed.client.headers["idempotency-key"]
        without = await self.release(staffed, event, holdToken=token, **more)
        assert (without.status_code, without.json()["code"]) == (410, "hold_released")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"holdToken": None},
            {"address": IPV4, "buyerRef": "R-1"},
            {"address": "nowhere"},
            {"address": ""},
            {"address": "192.0.2.0/24"},
            {"address": "2001:db8::/48"},
            {"address": "2001:db8::/"},
            {"address": "1" * 100},
            {"address": IPV4, "sameAddress": True},
            {"buyerRef": ""},
            {"buyerRef": "a\u0000b"},
            {"holdId": 7},
            {"everything": True},
        ],
    )
    async def test_a_bad_body_releases_nothing(
        self, staffed: Service, body: dict[str, Any]
    ) -> None:
        event = await on_sale(staffed)
        await self.anonymous(staffed, event, floor(2), IPV4)
        answer = await self.release(staffed, event, **body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
        assert (await statuses(staffed, event))["held"] == 2

    async def test_a_hold_that_is_not_of_this_event_or_of_no_buyer(self, staffed: Service) -> None:
        event, other = await on_sale(staffed), await on_sale(staffed)
        token = (await self.anonymous(staffed, other, floor(2), IPV4)).json()["holdToken"]
        for body in ({"holdToken": token}, {"holdToken": "x"}, {"holdId": token[:34]}):
            answer = await self.release(staffed, event, **body)
            assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")
        straight = await staffed.client.post(f"/events/{event}/holds", json=floor(2))
        for more in ({}, {"sameAddress": True}):
            answer = await self.release(
                staffed, event, holdToken=straight.json()["holdToken"], **more
            )
            assert answer.status_code == 400
        assert (await statuses(staffed, event))["held"] == 2

    async def test_nobody_without_a_key_may(self, staffed: Service) -> None:
        event = await on_sale(staffed)
        del staffed.client.headers["authorization"]
        assert (await self.release(staffed, event, address=IPV4)).status_code == 401
