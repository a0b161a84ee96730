"""Whatever is wrong at the box office is said, keys are kept close, and it works at any size."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from event_seating.venues.arenas import arena
from tests.browser.conftest import OpenDesk
from tests.browser.people import BOOKED, CLOSED, HELD, Operator
from tests.browser.test_states import (
    HOSTILE,
    KEY,
    NOTHING_IS_KEPT,
    hostile_map,
    in_production,
    small_map,
)
from tests.support.process import settings

SEAT = "LOWER_A-1-02"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A server in production, where the box office needs a key."""
    data = tmp_path_factory.mktemp("locked")
    values = settings(data, ADMIN_API_KEY=KEY, DRAIN_DELAY_S="0", LOG_DIR="off")
    with in_production(values | {"APP_ENV": "production"}) as operator:
        yield operator


def test_in_production_it_asks_for_a_key_and_keeps_it_in_the_tab_alone(
    desk: OpenDesk, locked: Operator
) -> None:
    event = locked.event()
    locked.hold(event, SEAT)
    office = desk(at=locked)
    addresses: list[str] = []
    office.page.on("request", lambda request: addresses.append(request.url))
    office.go(event)
    expect(office.find("#key-dialog")).to_be_visible()
    expect(office.find("#event-view")).to_be_hidden()
    office.picture("office-key")
    office.expect_accessible()
    office.page.keyboard.press("Escape")
    expect(office.find("#key-dialog")).to_be_visible()
    for wrong, said in (("not-the-key", "does not know this key"), ("kéy", "cannot have")):
        office.find("#key").fill(wrong)
        office.find("#key-send").click()
        expect(office.find("#key-reason")).to_contain_text(said)
    office.picture("office-key-wrong")
    office.find("#key").fill(KEY)
    office.page.keyboard.press("Enter")
    office.expect_open()
    office.press_seat(SEAT)
    expect(office.find("#seat-body")).to_contain_text("Held until")
    office.page.reload()
    office.expect_open()
    expect(office.find("#key-dialog")).to_be_hidden()
    expect(office.find("#sale-switch")).to_be_visible()
    stored = office.page.evaluate(
        "() => [JSON.stringify(localStorage), document.cookie, JSON.stringify(sessionStorage)]"
    )
    assert KEY not in stored[0] + stored[1]
    assert KEY in stored[2]
    assert [address for address in addresses if KEY in address] == []
    office.find("#key-button").click()
    expect(office.find("#key-dialog")).to_be_visible()
    assert office.page.evaluate("sessionStorage.length") == 0
    expect(office.find("#event-view")).to_be_hidden()


@pytest.mark.long
def test_a_browser_that_keeps_nothing_has_the_key_while_the_page_lives(
    desk: OpenDesk, locked: Operator
) -> None:
    event = locked.event()
    office = desk(at=locked)
    office.context.add_init_script(NOTHING_IS_KEPT)
    office.go(event)
    office.find("#key").fill(KEY)
    office.page.keyboard.press("Enter")
    office.expect_open()
    office.press_seat(SEAT)
    expect(office.find("#seat-status")).to_have_text("available")
    office.find("#key-button").click()
    expect(office.find("#key-dialog")).to_be_visible()


@pytest.mark.long
def test_a_key_that_may_too_little_is_told_so(desk: OpenDesk, locked: Operator) -> None:
    event = locked.event()
    office = desk(at=locked)
    forbid = {"error": "No.", "code": "forbidden", "requestId": "1"}
    office.page.route("**/cache-status", lambda route: route.fulfill(status=403, json=forbid))
    office.go(event)
    office.find("#key").fill(KEY)
    office.find("#key-send").click()
    expect(office.find("#key-reason")).to_contain_text("may not do what a box office does")
    office.page.unroute_all()
    # One that may sell, but not change the event: no switch of the sale is offered.
    office.page.route("**/webhooks*", lambda route: route.fulfill(status=403, json=forbid))
    office.find("#key").fill(KEY)
    office.find("#key-send").click()
    office.expect_open()
    expect(office.find("#count-available")).to_have_text("1,800")
    expect(office.find("#sale-switch")).to_be_hidden()


def test_a_key_that_is_revoked_meanwhile_is_asked_for_anew(
    desk: OpenDesk, locked: Operator
) -> None:
    event = locked.event()
    office = desk(at=locked)
    office.go(event)
    office.find("#key").fill(KEY)
    office.find("#key-send").click()
    office.expect_open()
    revoked = {"error": "This needs a key.", "code": "unauthorized", "requestId": "1"}

    def refuse(route: Route) -> None:
        route.fulfill(status=401, json=revoked)

    office.page.route("**/events/**", refuse)
    office.press_seat(SEAT)
    expect(office.find("#key-reason")).to_contain_text("The key is no longer taken.")
    office.picture("office-key-revoked")
    office.page.unroute_all()
    office.find("#key").fill(KEY)
    office.find("#key-send").click()
    expect(office.find("#key-dialog")).to_be_hidden()
    office.page.get_by_role("button", name="Ask again").click()
    expect(office.find("#seat-body")).to_contain_text("LOWER_A-1-02")


def test_the_sale_is_paused_and_resumed(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event()
    office = desk().open(event)
    for button, status, chip in (
        ("Pause the sale", "paused", "Paused"),
        ("Resume the sale", "on_sale", "On sale"),
    ):
        office.page.get_by_role("button", name=button).click()
        office.find("#confirm-yes").click()
        expect(office.find("#sale-chip")).to_have_text(chip)
        assert operator.ask("GET", f"/events/{event}")["status"] == status


def test_an_event_is_chosen_from_all_of_them(operator: Operator, desk: OpenDesk) -> None:
    first, second = operator.event(name="First Night"), operator.event(name="Second Night")
    office = desk()
    office.page.goto(f"{operator.url}/box-office")
    expect(office.find("#events li").first).to_be_visible()
    office.picture("office-events")
    office.expect_accessible()
    office.find("#picker").select_option(first)
    expect(office.find("#title")).to_have_text("First Night")
    office.find("#picker").select_option(second)
    expect(office.find("#title")).to_have_text("Second Night")


def test_an_unknown_event_and_a_server_that_is_away_are_said(
    operator: Operator, desk: OpenDesk
) -> None:
    office = desk()
    office.go("nosuchevent0")
    expect(office.find("#message-title")).to_have_text("There is no such event")
    event = operator.event()
    office.page.route("**/events/**", lambda route: route.abort())
    office.go(event)
    expect(office.find("#message-title")).to_have_text("The server is away")
    office.page.unroute_all()
    office.page.get_by_role("button", name="Try again").click()
    office.expect_open()


def test_texts_that_are_html_stay_texts(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event(hostile_map(), name=HOSTILE)
    operator.ask("POST", f"/events/{event}/blocks", {"seats": ["A-1-1"], "reason": HOSTILE})
    operator.ask("POST", "/bookings", {"eventId": event, "seats": ["A-1-2"], "orderRef": HOSTILE})
    office = desk().open(event)
    office.press_seat("A-1-1")
    expect(office.find("#seat-body .history")).to_contain_text("<img src=x")
    office.expect_look("A-1-2", BOOKED)
    place = office.place("A-1-2")
    office.page.mouse.move(place["x"], place["y"])
    expect(office.find("#tip")).to_contain_text("€45.00 · booked · <img src=x")
    office.tab("bookings")
    office.find("#find button").click()
    expect(office.find("#booking-title")).to_contain_text("<img src=x")
    office.picture("office-hostile")
    office.tab("charts")
    expect(office.find("#occupancy")).to_contain_text("<img src=x")
    office.tab("list")
    office.find("#list-body .sections > li > button").first.click()
    office.find(".row .row-select").first.click()
    office.tab("sell")
    expect(office.find("#selection-seats")).to_contain_text("<img src=x")
    assert office.page.locator("img").count() == 0
    assert office.page.locator("body script").count() == 0


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        pytest.param(10_000, 3, id="10000"),
        pytest.param(100_000, 25, id="100000", marks=pytest.mark.long),
    ],
)
def test_a_large_hall_is_blocked_in_parts(
    operator: Operator, desk: OpenDesk, size: int, parts: int
) -> None:
    event = operator.event(arena(size))
    office = desk().open(event)
    sizes: list[int] = []

    def note(request: Any) -> None:
        if request.url.endswith("/blocks"):
            sizes.append(len(request.post_data_json["seats"]))

    office.page.on("request", note)
    seats = office.page.evaluate(
        """async () => {
          const { shown } = await import(document.querySelector("script[type=module]").src);
          const { model, selection } = await shown;
          selection.add(Array.from({ length: model.seatCount }, (_, seat) => seat));
          return model.seatCount;
        }"""
    )
    office.tab("sell")
    expect(office.find("#sell-hint")).to_contain_text("At most 1,000 seats")
    office.find("#block").click()
    office.find("#confirm-yes").click()
    expect(office.find("#block-outcome")).to_contain_text(re.compile(rf"Part \d+ of {parts}"))
    expect(office.find("#block-outcome")).to_contain_text(f"Blocked: {seats:,}.", timeout=60_000)
    assert (max(sizes), len(sizes)) == (4_000, parts)
    assert operator.counts(event)["blocked"] == seats
    office.expect_count("blocked", f"{seats:,}")
    office.picture(f"office-{size}")


@pytest.mark.long
def test_a_network_without_websockets_still_shows_what_others_do(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    office = desk()
    office.page.route_web_socket("**/live*", lambda socket: socket.close(code=1006, reason="no"))
    office.open(event)
    operator.hold(event, SEAT)
    office.expect_look(SEAT, HELD)
    office.expect_count("held", "1")


@pytest.mark.parametrize(
    ("name", "look"),
    [
        pytest.param("dark", {"color_scheme": "dark"}, id="dark"),
        pytest.param("forced", {"forced_colors": "active"}, id="forced", marks=pytest.mark.long),
    ],
)
def test_other_colours_are_as_readable(
    operator: Operator, desk: OpenDesk, name: str, look: dict[str, Any]
) -> None:
    event = operator.event()
    operator.ask("POST", f"/events/{event}/blocks", {"seats": [SEAT, "LOWER_A-1-05"]})
    operator.hold(event, "LOWER_A-2-02")
    seats = [f"LOWER_A-{row}-{seat:02}" for row in (3, 4) for seat in range(1, 15)]
    operator.ask("POST", "/bookings", {"eventId": event, "seats": seats, "orderRef": "R-1"})
    office = desk(**look).open(event)
    office.near(SEAT)
    office.expect_look(SEAT, CLOSED)
    office.tab("charts")
    expect(office.find(".line-chart").first).to_be_visible()
    office.picture(f"office-{name}-charts")
    office.expect_accessible()
    office.find("#occupancy li").last.scroll_into_view_if_needed()
    office.picture(f"office-{name}-occupancy")
    office.tab("bookings")
    office.find("#find button").click()
    expect(office.find("#booking-title")).to_have_text("Order R-1")
    office.rest()
    office.picture(f"office-{name}-booking")
    office.expect_accessible()


@pytest.mark.long
def test_a_small_hall_fills_the_page(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event(small_map())
    office = desk().open(event)
    office.page.keyboard.down("Shift")
    office.drag_frame("A-1-1", "A-2-6")
    office.page.keyboard.up("Shift")
    expect(office.find("#selection-title")).to_have_text("Selected: 12 seats")
    office.picture("office-small")
