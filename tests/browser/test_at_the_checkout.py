"""While a buyer pays, the seats stand still: on the page, in other tabs, and on the way back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, OpenDesk
from tests.browser.people import Operator, Visit
from tests.browser.test_states import KEY, in_production
from tests.support.process import settings

SHOP = "https://shop.example/checkout"
BACK_FROM_CACHE = (
    "() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A server in production whose buyers pay at a shop; it has the key."""
    values = settings(tmp_path_factory.mktemp("shop"), ADMIN_API_KEY=KEY, DRAIN_DELAY_S="0")
    production = {"APP_ENV": "production", "CHECKOUT_URL": SHOP, "LOG_DIR": "off"}
    with in_production(values | production | {"SEATING_RATE_LIMITS": "off"}) as operator:
        yield operator


def choosing(buyer: Visit, event: str) -> Visit:
    """Hold the best two seats."""
    buyer.page.route(f"{SHOP}**", lambda route: route.fulfill(body="the shop"))
    buyer.open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    return buyer


def paying(buyer: Visit, event: str) -> str:
    """Go to the shop; the hold's token, as the shop gets it."""
    choosing(buyer, event)
    buyer.find("#go").click()
    buyer.page.wait_for_url(f"{SHOP}?*")
    return buyer.page.url.partition("holdToken=")[2].partition("&")[0]


def token_of(buyer: Visit, event: str) -> str:
    script = "(id) => JSON.parse(localStorage.getItem(`event-seating hold ${id}`)).token"
    return str(buyer.page.evaluate(script, event))


@pytest.mark.parametrize("size", ["phone", pytest.param("desktop", marks=pytest.mark.long)])
def test_the_seats_are_frozen_before_the_buyer_is_at_the_shop_and_the_way_back_is_shown(
    visit: Open, shop: Operator, size: str
) -> None:
    event = shop.event()
    buyer = visit(size, at=shop)
    token = paying(buyer, event)
    assert shop.ask("GET", f"/holds/{token}")["frozenBy"] == "buyer"
    buyer.page.go_back()
    buyer.expect_tickets("2 tickets")
    expect(buyer.find("#checkout-banner")).to_contain_text("Your seats are at the checkout")
    expect(buyer.find("#extend")).to_be_hidden()
    expect(buyer.find("#best")).to_be_disabled()
    expect(buyer.find("#lines button").first).to_be_disabled()
    buyer.picture(f"{size}-at-the-checkout")
    buyer.expect_accessible()
    buyer.find("#thaw").click()
    expect(buyer.find("#checkout-banner")).to_be_hidden()
    buyer.expect_settled()
    assert shop.ask("GET", f"/holds/{token}")["frozenBy"] is None


def test_who_comes_back_changes_a_seat_and_goes_again(visit: Open, shop: Operator) -> None:
    event = shop.event()
    buyer = visit(at=shop)
    token = paying(buyer, event)
    buyer.page.go_back()
    buyer.expect_tickets("2 tickets")
    # A seat that is pressed says what is the matter, and offers the way out.
    buyer.find("#lines .what").first.click()
    buyer.rest()
    buyer.click_seat(shop.ask("GET", f"/holds/{token}")["lines"][0]["seat"])
    expect(buyer.find("#notice")).to_contain_text("Your seats are at the checkout")
    buyer.find("#notice").get_by_role("button", name="Change my seats").click()
    expect(buyer.find("#checkout-banner")).to_be_hidden()
    buyer.expect_settled()
    buyer.find("#lines button").first.click()
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    # The one freeze that a buyer has is used: the shop begins its own.
    buyer.find("#go").click()
    buyer.page.wait_for_url(f"{SHOP}?*")
    assert shop.ask("GET", f"/holds/{token}")["frozenBy"] is None
    assert shop.ask("POST", f"/holds/{token}/checkout")["total"] == "145.00"


def test_what_the_shop_froze_the_page_shows_and_does_not_offer_to_change(
    visit: Open, shop: Operator
) -> None:
    event = shop.event()
    buyer = visit(at=shop)
    token = paying(buyer, event)
    frozen = shop.ask("POST", f"/holds/{token}/checkout")
    buyer.page.go_back()
    expect(buyer.find("#checkout-banner")).to_contain_text("The shop keeps your seats")
    expect(buyer.find("#thaw")).to_be_hidden()
    # The page that the browser kept shows what became of it meanwhile.
    sale = {"holdToken": token, "expectedRevision": frozen["revision"]}
    shop.ask("POST", "/bookings", sale)
    buyer.page.evaluate(BACK_FROM_CACHE)
    expect(buyer.find("#notice")).to_contain_text("These seats are booked already.")
    expect(buyer.find("#checkout-banner")).to_be_hidden()


@pytest.mark.long
def test_another_tab_shows_that_the_seats_stand_still(visit: Open, shop: Operator) -> None:
    event = shop.event()
    buyer = choosing(visit(at=shop), event)
    second = buyer.context.new_page()
    second.goto(buyer.page.url)
    expect(second.locator("#basket-title")).to_have_text("2 tickets")
    buyer.find("#go").click()
    buyer.page.wait_for_url(f"{SHOP}?*")
    expect(second.locator("#checkout-banner")).to_be_visible()
    expect(second.locator("#lines button").first).to_be_disabled()


@pytest.mark.long
def test_a_server_that_is_away_keeps_the_buyer_on_the_page(visit: Open, shop: Operator) -> None:
    event = shop.event()
    buyer = choosing(visit(at=shop), event)
    answer = {"error": "No.", "code": "internal"}
    buyer.page.route("**/checkout", lambda route: route.fulfill(status=500, json=answer))
    buyer.find("#go").click()
    expect(buyer.find("#notice")).to_be_visible()
    assert buyer.page.url.startswith(shop.url)


def test_a_page_that_the_browser_kept_asks_for_the_seats_again(visit: Open, shop: Operator) -> None:
    event = shop.event()
    buyer = choosing(visit(at=shop), event)
    shop.ask("PATCH", f"/holds/{token_of(buyer, event)}", {"add": {"areas": {"FLOOR": 1}}})
    buyer.expect_tickets("2 tickets")
    buyer.page.evaluate(BACK_FROM_CACHE)
    buyer.expect_tickets("3 tickets")
    shop.ask("DELETE", f"/holds/{token_of(buyer, event)}")
    expect(buyer.find("#notice")).to_contain_text("Your seats were given back.")
    buyer.expect_tickets("Your seats")


def test_the_page_books_what_it_shows_or_nothing(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = choosing(visit(), event)
    token = token_of(buyer, event)
    operator.ask("PATCH", f"/holds/{token}", {"add": {"areas": {"FLOOR": 1}}})
    buyer.find("#go").click()
    expect(buyer.find("#notice")).to_contain_text("Your seats were changed meanwhile")
    buyer.expect_tickets("3 tickets")
    assert operator.counts(event)["booked"] == 0
    buyer.expect_settled()
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_be_visible()
    assert operator.counts(event)["booked"] == 3


def test_the_box_office_sees_that_a_seat_is_at_the_checkout(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    seat = "LOWER_A-1-02"
    operator.ask("POST", f"/holds/{operator.hold(event, seat)}/checkout")
    office = desk().open(event)
    office.press_seat(seat)
    expect(office.find("#seat-body")).to_contain_text("frozen by the buyer")


@pytest.mark.long
def test_a_page_that_is_open_while_the_shop_books_lets_go_of_its_seats(
    visit: Open, shop: Operator
) -> None:
    event = shop.event()
    buyer = choosing(visit(at=shop), event)
    token = token_of(buyer, event)
    shop.ask("POST", "/bookings", {"holdToken": token, "expectedRevision": 1})
    expect(buyer.find("#notice")).to_contain_text("These seats are booked already.")
    expect(buyer.find("#basket-title")).to_have_text("Your seats")
    expect(buyer.find("#timer")).to_be_hidden()
