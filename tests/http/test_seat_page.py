"""The page and its files, as a browser gets them."""

import posixpath
import re
from html import unescape

import httpx
import pytest
from tests.support.service import Service, in_process

pytestmark = [pytest.mark.anyio, pytest.mark.shared_service]

KEY = "an-operators-key-of-some-length"


PAGES = ("/", "/box-office")
each_page = pytest.mark.parametrize("path", PAGES)


async def page_of(service: Service, path: str = "/") -> httpx.Response:
    answer = await service.client.get(path)
    assert answer.status_code == 200
    return answer


def addresses(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:href|src)="(/page/[^"]+)"', page.text)


def told(page: httpx.Response, name: str) -> str:
    found = re.search(rf'<meta name="{name}" content="([^"]*)">', page.text)
    assert found
    return unescape(found[1])


@each_page
async def test_the_page_may_load_from_here_alone(service: Service, path: str) -> None:
    page = await page_of(service, path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; worker-src 'self';")
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert re.findall(r"https?://", page.text) == []
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text) == []


@each_page
async def test_each_file_that_the_page_names_is_there_and_kept_for_ever(
    service: Service, path: str
) -> None:
    named = addresses(await page_of(service, path))
    assert any(name.endswith("/main.js") for name in named)
    for address in named:
        answer = await service.client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].split(";")[0] in {
            "text/javascript",
            "text/css",
            "image/svg+xml",
        }


async def test_a_worker_may_ask_the_api(service: Service) -> None:
    assets = "/".join(addresses(await page_of(service))[0].split("/")[:3])
    answer = await service.client.get(f"{assets}/map/map-worker.js")
    assert "connect-src 'self'" in answer.headers["content-security-policy"]


@each_page
async def test_a_module_names_only_modules_that_are_there_and_each_is_asked_for_at_once(
    service: Service, path: str
) -> None:
    named = [each for each in addresses(await page_of(service, path)) if each.endswith(".js")]
    assert named
    for address in named:
        # A comment may name a module for its types alone, which nobody loads.
        text = re.sub(r"/\*\*.*?\*/", "", (await service.client.get(address)).text, flags=re.DOTALL)
        for name in re.findall(r'(?:from|import|new URL\() ?"(\.{1,2}/[^"]+)"', text):
            there = posixpath.normpath(f"{address.rpartition('/')[0]}/{name}")
            assert (await service.client.get(there)).status_code == 200, (address, name)
            assert there in named or there.endswith("/map-worker.js"), (address, name)


async def test_a_buyer_loads_nothing_of_the_box_office(service: Service) -> None:
    assert [each for each in addresses(await page_of(service)) if "/office/" in each] == []


async def test_the_box_office_is_told_whether_a_key_is_needed(service: Service) -> None:
    assert told(await page_of(service, "/box-office"), "key") == "optional"
    async with in_process(app_env="production", admin_api_key=KEY) as locked:
        page = await page_of(locked, "/box-office")
        assert told(page, "key") == "needed"
        assert KEY not in page.text


async def test_looking_at_bookings_is_charged_as_looking_at_seats_is(
    environment: dict[str, str],
) -> None:
    async with in_process(rate_limits="1/10s", seating_rate_limits="50/10s") as service:
        for _ in range(3):
            answer = await service.client.get("/events/nosuchevent0/bookings")
            assert answer.status_code == 404
        for _ in range(3):
            assert (await service.client.get("/box-office")).status_code == 200


async def test_a_page_that_is_known_is_not_sent_again(service: Service) -> None:
    for path in (*PAGES, addresses(await page_of(service))[0]):
        first = await service.client.get(path)
        again = await service.client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""


async def test_files_come_compressed_to_those_who_take_it(service: Service) -> None:
    plain = await service.client.get("/", headers={"accept-encoding": "identity"})
    packed = await service.client.get("/", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.headers["vary"] == "accept-encoding"


async def test_the_address_of_another_release_is_answered_and_not_kept(service: Service) -> None:
    answer = await service.client.get("/page/0000000000000000/buyer/main.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "buyer/index.html",
        "..%2Fapp.py",
        "%2e%2e",
        "office/index.html",
        "office/",
        "office/../../app.py",
    ],
)
async def test_nothing_else_is_served(service: Service, name: str) -> None:
    assert (await service.client.get(f"/page/0000000000000000/{name}")).status_code == 404


async def test_in_development_the_page_books_by_itself(service: Service) -> None:
    assert told(await page_of(service), "booking") == "here"


async def test_in_production_it_sends_to_the_shop(environment: dict[str, str]) -> None:
    shop = 'https://shop.example/"><script>?a=1&b=2'
    async with in_process(app_env="production", admin_api_key=KEY, checkout_url=shop) as service:
        page = await page_of(service)
        assert told(page, "booking") == "checkout"
        assert told(page, "checkout-url") == shop
        assert "<script>" not in page.text


async def test_in_production_without_a_shop_it_gives_a_code(environment: dict[str, str]) -> None:
    async with in_process(app_env="production", admin_api_key=KEY) as service:
        assert told(await page_of(service), "booking") == "elsewhere"
