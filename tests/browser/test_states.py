"""Whatever is wrong, the page says it in a sentence and shows a way on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from event_seating.venues.arenas import arena
from tests.browser.conftest import Open
from tests.browser.people import CLOSED, HELD, Operator, drained
from tests.support.process import ServerProcess, settings
from tests.support.seating import seat_map

HOSTILE = "<img src=x onerror=document.title='broken'><script>document.title='broken'</script>"
KEY = "an-operators-key-of-some-length"


def test_an_unknown_event_leads_to_the_others(operator: Operator, visit: Open) -> None:
    operator.event()
    buyer = visit()
    buyer.go("nosuchevent0")
    expect(buyer.find("#message-title")).to_have_text("There is no such event")
    buyer.picture("desktop-unknown")
    buyer.expect_accessible()
    buyer.page.get_by_role("button", name="See all events").click()
    # Those of other tests may be on before it.
    opening = buyer.find("#events li").filter(has_text="Opening Night")
    expect(opening.first).to_be_visible()
    buyer.picture("desktop-events")
    buyer.expect_accessible()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("paused", "The sale is paused."),
        pytest.param("cancelled", "This event is cancelled.", marks=pytest.mark.long),
        pytest.param("closed", "The sale is closed.", marks=pytest.mark.long),
    ],
)
def test_an_event_that_does_not_sell_says_why(
    operator: Operator, visit: Open, status: str, sentence: str
) -> None:
    event = operator.event()
    operator.ask("PATCH", f"/events/{event}", {"status": status})
    buyer = visit().open(event)
    expect(buyer.find("#sale-banner")).to_contain_text(sentence)
    expect(buyer.find("#best")).to_be_disabled()
    buyer.click_seat("LOWER_A-1-02")
    buyer.rest()
    buyer.click_seat("LOWER_A-1-02")
    expect(buyer.find("#notice")).to_contain_text(sentence)
    buyer.picture(f"desktop-{status}")
    buyer.expect_accessible()


def test_a_basket_of_an_event_that_is_cancelled_says_so_and_lets_go(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_settled()
    assert operator.counts(event)["held"] > 0
    operator.ask("POST", f"/events/{event}/cancel", {"notify": False})
    expect(buyer.find("#notice")).to_contain_text("This event was cancelled. Nothing is held")
    expect(buyer.find("#basket-title")).to_have_text("Your seats")
    expect(buyer.find("#timer")).to_be_hidden()
    buyer.picture("desktop-cancelled-basket")
    buyer.page.reload()
    expect(buyer.find("#sale-banner")).to_contain_text("This event is cancelled.")
    expect(buyer.find("#basket-title")).to_have_text("Your seats")
    assert operator.counts(event)["held"] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"status": "closed"}, "The sale is closed.", id="closed"),
        pytest.param(
            {"salesStart": "2001-01-01T00:00:00Z", "salesEnd": "2002-01-01T00:00:00Z"},
            "The sale of this event is over.",
            id="over",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_basket_of_an_event_whose_sale_ends_says_that_it_can_be_booked(
    operator: Operator, visit: Open, change: dict[str, str], sentence: str
) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    operator.ask("PATCH", f"/events/{event}", change)
    expect(buyer.find("#sale-banner")).to_contain_text(f"{sentence} The seats that you hold stay")
    expect(buyer.find("#best")).to_be_disabled()
    buyer.find("#lines button").first.click()
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_be_visible()
    assert operator.counts(event)["booked"] == 1


@pytest.mark.long
def test_an_event_that_is_cancelled_meanwhile_says_so(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    operator.ask("PATCH", f"/events/{event}", {"status": "cancelled"})
    expect(buyer.find("#sale-banner")).to_contain_text("This event is cancelled.")


def test_a_sale_that_has_not_begun_names_the_moment_and_opens_by_itself(
    operator: Operator, visit: Open
) -> None:
    start = datetime.now(UTC) + timedelta(seconds=6)
    event = operator.event(salesStart=start.isoformat())
    buyer = visit().open(event)
    expect(buyer.find("#sale-banner")).to_contain_text("The sale starts on")
    expect(buyer.find("#best")).to_be_disabled()
    buyer.picture("desktop-not-yet")
    expect(buyer.find("#sale-banner")).to_be_hidden(timeout=20_000)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")


def test_a_sale_in_the_future_is_told_in_the_zone_of_the_event(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(salesStart="2090-01-01T09:00:00Z", timeZone="America/New_York")
    buyer = visit(timezone_id="Asia/Tokyo").open(event)
    expect(buyer.find("#sale-banner")).to_contain_text("1 January 2090 at 04:00 GMT-5")


def test_a_sold_out_event_says_so_and_wakes_when_seats_come_back(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(small_map())
    everything = {"sections": ["A"], "areas": {"floor": 3}}
    operator.ask("POST", f"/events/{event}/blocks", everything)
    buyer = visit().open(event)
    expect(buyer.find("#sale-banner")).to_contain_text("Sold out.")
    buyer.picture("desktop-sold-out")
    buyer.expect_accessible()
    assert buyer.look("A-1-1") == CLOSED
    operator.ask("POST", f"/events/{event}/blocks/release", everything)
    expect(buyer.find("#sale-banner")).to_be_hidden(timeout=20_000)


def test_a_server_that_is_away_at_the_start_can_be_tried_again(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    buyer.page.route("**/events/**", lambda route: route.abort())
    buyer.go(event)
    expect(buyer.find("#message-title")).to_have_text("The server is away")
    buyer.picture("desktop-server-away")
    buyer.page.unroute_all()
    buyer.page.get_by_role("button", name="Try again").click()
    expect(buyer.find("#title")).to_have_text("Opening Night")
    expect(buyer.find("#event-view")).to_be_visible()


def test_a_network_without_websockets_still_shows_what_others_take(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    buyer.page.route_web_socket("**/live*", lambda socket: socket.close(code=1006, reason="no"))
    with buyer.page.expect_request(re.compile("/changes.*fallback=true")):  # the operator hears it
        buyer.open(event)
    operator.hold(event, "LOWER_A-1-05")
    buyer.expect_look("LOWER_A-1-05", HELD)
    expect(buyer.find("#connection-banner")).to_be_hidden()


@pytest.mark.long
def test_a_line_that_is_back_says_so_though_nothing_changes(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    buyer.page.route_web_socket("**/live*", lambda socket: socket.close(code=1006, reason="no"))
    buyer.page.route("**/changes*", lambda route: route.abort())
    buyer.open(event)
    expect(buyer.find("#connection-banner")).to_contain_text("The connection is lost.")
    buyer.page.unroute("**/changes*")
    # Sooner than a poll that waits for a change would be answered.
    expect(buyer.find("#connection-banner")).to_be_hidden(timeout=20_000)


@pytest.mark.long
def test_with_neither_websockets_nor_long_polls_it_still_follows(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    buyer.page.route_web_socket("**/live*", lambda socket: socket.close(code=1006, reason="no"))
    buyer.page.route(
        "**/changes*",
        lambda route: route.fulfill(status=404, json={"error": "No.", "code": "not_found"}),
    )
    buyer.open(event)
    operator.hold(event, "LOWER_A-1-05")
    buyer.expect_look("LOWER_A-1-05", HELD)


def small_map() -> dict[str, Any]:
    """Two rows of six and a floor for three; its id is the venue's."""
    small = seat_map(rows=2, seats=6, floor=3)
    del small["venueId"]
    return small


def hostile_map() -> dict[str, Any]:
    """Every text that a map may have is HTML."""
    hostile = small_map()
    hostile["name"] = HOSTILE
    hostile["priceTiers"]["1"]["label"] = HOSTILE
    hostile["areas"][0]["label"] = HOSTILE
    section = hostile["sections"][0]
    section["label"] = HOSTILE
    for row in section["rows"]:
        for seat in row["seats"]:
            seat["label"] = HOSTILE
    hostile["shapes"] = [
        {"type": "rectangle", "label": HOSTILE, "x": 0, "y": 0, "width": 300, "height": 15}
    ]
    return hostile


def test_a_map_whose_labels_are_html_is_text(operator: Operator, visit: Open) -> None:
    event = operator.event(hostile_map(), name=HOSTILE)
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_settled()
    buyer.find(".sections > li > button").first.click()
    place = buyer.place("A-1-1")
    buyer.page.mouse.move(place["x"], place["y"])
    expect(buyer.find("#tip")).to_contain_text("<img src=x")
    expect(buyer.find("#lines")).to_contain_text("<img src=x")
    expect(buyer.find("#title")).to_have_text(HOSTILE)
    buyer.picture("desktop-hostile")
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_contain_text("<img src=x")
    assert buyer.page.title().startswith("<img src=x")
    assert buyer.page.locator("img").count() == 0
    assert buyer.page.locator("body script").count() == 0


@pytest.mark.long
def test_a_map_of_a_hundred_thousand_seats_works(operator: Operator, visit: Open) -> None:
    event = operator.event(arena(100_000))
    buyer = visit().open(event)
    buyer.picture("desktop-100000")
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    buyer.rest()
    buyer.picture("desktop-100000-best")


def plan() -> dict[str, Any]:
    """A small plan with zones, as the leading ticketing system has them."""
    seats = [
        {
            "seat_guid": f"s-{number}",
            "seat_number": str(number),
            "position": {"x": 25 * number, "y": 0},
            "category": "Stalls",
        }
        for number in range(1, 9)
    ]
    row = {"row_number": "B", "position": {"x": 0, "y": 60}, "seats": seats}
    shape = {
        "shape": "circle",
        "position": {"x": 110, "y": 0},
        "circle": {"radius": 20},
        "text": {"text": "Stage"},
    }
    zone = {"name": "Hall", "position": {"x": 20, "y": 40}, "rows": [row], "areas": [shape]}
    return {
        "name": "Hall",
        "size": {"width": 300, "height": 200},
        "categories": [{"name": "Stalls", "color": "#7dd3fc"}],
        "zones": [zone],
    }


def test_a_plan_with_zones_is_drawn_and_sold(operator: Operator, visit: Open) -> None:
    event = operator.event(plan(), prices={"Stalls": {"standard": "25.00"}})
    buyer = visit().open(event)
    buyer.click_seat("s-3")
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    expect(buyer.find("#lines")).to_contain_text("Hall, row B, seat 3")
    buyer.picture("desktop-plan")


@contextmanager
def in_production(values: dict[str, str]) -> Iterator[Operator]:
    """A server in production, whose operator has the key."""
    run_migrations(values)
    with drained(values) as server:
        operator = Operator(server.url, key=KEY)
        yield operator
        operator.close()


def run_migrations(values: dict[str, str]) -> None:
    migrating = ServerProcess(values, command="migrate")
    assert migrating.ended() == 0, migrating.output
    migrating.kill()


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    values = settings(tmp_path, ADMIN_API_KEY=KEY, DRAIN_DELAY_S="0", LOG_DIR="off")
    return values | {"APP_ENV": "production"}


@pytest.mark.long
def test_in_production_the_button_goes_to_the_shop_with_the_token(
    visit: Open, production: dict[str, str]
) -> None:
    shop = "https://shop.example/checkout?from=map"
    with in_production(production | {"CHECKOUT_URL": shop}) as operator:
        event = operator.event()
        buyer = visit(at=operator).open(event)
        buyer.page.route("https://shop.example/**", lambda route: route.fulfill(body="the shop"))
        buyer.find("#best").click()
        buyer.expect_settled()
        expect(buyer.find("#go")).to_have_text("Go to checkout")
        buyer.find("#go").click()
        buyer.page.wait_for_url(f"{shop}&holdToken={event}*&eventId={event}")
        assert operator.counts(event)["held"] == 2


@pytest.mark.long
def test_in_production_without_a_shop_the_page_gives_the_code(
    visit: Open, production: dict[str, str]
) -> None:
    with in_production(production) as operator:
        event = operator.event()
        buyer = visit(at=operator).open(event)
        buyer.find("#best").click()
        buyer.expect_settled()
        buyer.find("#go").click()
        expect(buyer.find("#done")).to_contain_text("Give this code to the box office")
        token = buyer.find("#done-code").inner_text()
        buyer.picture("desktop-code")
        booking = operator.ask("POST", "/bookings", {"holdToken": token})
        assert booking["total"] == "290.00"


NOTHING_IS_KEPT = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });
"""


def test_a_browser_that_keeps_nothing_buys_as_well(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit()
    buyer.context.add_init_script(NOTHING_IS_KEPT)
    buyer.open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    buyer.find("#lines button").first.click()
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_be_visible()
    assert operator.counts(event)["booked"] == 1


@pytest.mark.long
def test_until_the_page_is_there_it_says_that_it_is_loading(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    buyer.context.route("**/main.js", keep)
    buyer.page.goto(f"{operator.url}/?event={event}", wait_until="commit")
    expect(buyer.find(".starting")).to_be_visible()
    waiting[0].continue_()
    expect(buyer.find("#canvas")).to_be_visible()
    expect(buyer.find(".starting")).to_be_hidden()
