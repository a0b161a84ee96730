"""The whole way from opening the page to a booking: by mouse, by finger, by keys alone."""

import re

import pytest
from playwright.sync_api import Route, expect

from event_seating.venues.arenas import arena
from tests.browser.conftest import Open
from tests.browser.people import (
    BOOKED,
    FREE,
    HELD,
    MIDDLE_OF_FLOOR,
    MINE,
    PENDING,
    STANDING,
    Operator,
)

SEAT, NEXT = "LOWER_A-1-02", "LOWER_A-1-03"


def test_a_buyer_with_a_mouse_finds_holds_and_books_seats(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.picture("desktop-overview")
    buyer.click_seat(SEAT)  # far away: it opens the section
    buyer.rest()
    buyer.click_seat(SEAT)
    buyer.click_seat(NEXT)
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    expect(buyer.find("#lines")).to_contain_text("Lower A, row 1, seat 2")
    expect(buyer.find("#total")).to_have_text("€290.00")
    expect(buyer.find("#time")).to_have_text(re.compile(r"^(10:0\d|9:5\d)$"))
    assert operator.statuses(event)[SEAT] == "held"
    buyer.picture("desktop-basket")
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_contain_text("You are going!")
    buyer.picture("desktop-booked")
    assert operator.counts(event)["booked"] == 2
    (booking,) = operator.ask("GET", f"/events/{event}/bookings")["items"]
    expect(buyer.find("#done-code")).to_have_text(booking["id"])
    buyer.find("#done-actions button").click()
    buyer.expect_look(SEAT, BOOKED)
    buyer.expect_tickets("Your seats")


def test_a_buyer_with_a_finger_finds_holds_and_books_a_seat(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(arena(6_000, standing=STANDING))
    buyer = visit("phone").open(event)
    buyer.picture("phone-overview")
    buyer.tap_seat(SEAT)  # far away: it opens the section
    buyer.rest()
    buyer.picture("phone-section")
    buyer.tap_seat(SEAT)  # still too small for a finger: it comes nearer
    assert buyer.place(SEAT)["pitch"] >= 44
    buyer.expect_tickets("Your seats")
    buyer.tap_seat(SEAT)
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    buyer.picture("phone-basket")
    buyer.find("#basket-toggle").tap()
    buyer.picture("phone-sheet")
    expect(buyer.find("#lines")).to_contain_text("Lower A, row 1, seat 2")
    buyer.find("#go").tap()
    expect(buyer.find("#done")).to_contain_text("You are going!")
    buyer.picture("phone-booked")
    assert operator.statuses(event)[SEAT] == "booked"


def test_a_buyer_with_keys_alone_finds_holds_and_books_seats(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit().open(event)
    keys = buyer.page.keyboard
    keys.press("Tab")
    expect(buyer.find(".skip")).to_be_focused()
    keys.press("Enter")
    # Past the two buttons of the standing floor's stepper (the first is off at nought).
    for _ in range(2):
        keys.press("Tab")
    expect(buyer.page.locator(":focus")).to_contain_text("Lower A")
    keys.press("Enter")
    keys.press("Tab")
    keys.press("ArrowRight")
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    keys.press("ArrowLeft")
    expect(buyer.page.locator(":focus")).to_have_attribute(
        "aria-label", re.compile(r"^Row 1, seat 1, €145.00, free$")
    )
    buyer.picture("desktop-list")
    keys.press("Enter")
    keys.press("ArrowRight")
    keys.press("Space")
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    expect(buyer.page.locator(":focus")).to_have_attribute("aria-pressed", "true")
    for _ in range(20):
        keys.press("Tab")
        if buyer.page.evaluate("document.activeElement.id") == "go":
            break
    keys.press("Enter")
    expect(buyer.find("#done")).to_be_visible()
    expect(buyer.find("#done-actions button")).to_be_focused()
    assert operator.counts(event)["booked"] == 2
    keys.press("Escape")
    expect(buyer.find("#done")).to_be_hidden()
    # The button is gone; the keys are where seats are chosen, not at the top of the page.
    expect(buyer.find("#list")).to_be_focused()


def test_best_available_holds_neighbours_and_shows_them(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.find("[aria-label='One more: How many seats']").click()
    buyer.find("#best").click()
    buyer.expect_tickets("3 tickets")
    buyer.expect_settled()
    buyer.rest()
    held = [seat for seat, status in operator.statuses(event).items() if status == "held"]
    assert len(held) == 3
    size = buyer.page.viewport_size
    assert size
    for seat in held:
        place = buyer.place(seat)
        assert 0 < place["x"] < size["width"]
        assert 0 < place["y"] < size["height"]
    # Asked again, the new ones come in place of the old, and nothing is left behind.
    buyer.find("#best").click()
    buyer.expect_settled()
    expect(buyer.find("#lines > li")).to_have_count(3)
    assert operator.counts(event)["held"] == 3


def test_the_filter_narrows_the_map_the_list_and_the_best(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.page.get_by_role("button", name=re.compile("^Premium")).click()
    assert buyer.look(SEAT) == 1  # a ring: free, and not wanted
    buyer.find("#best").click()
    buyer.expect_settled()
    expect(buyer.find("#lines")).not_to_contain_text("Premium")
    buyer.page.get_by_role("button", name=re.compile("^Premium")).click()
    assert buyer.look(SEAT) == FREE


def test_standing_places_are_taken_by_number(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    more = buyer.find("#list [aria-label='One more: Standing floor']")
    for _ in range(3):
        more.click()
    buyer.expect_tickets("3 tickets")
    buyer.expect_settled()
    expect(buyer.find("#lines")).to_contain_text(re.compile("^3 . Standing floor"))
    buyer.find("#list [aria-label='One less: Standing floor']").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    assert operator.counts(event)["held"] == 2


@pytest.mark.long
def test_a_seat_may_be_of_another_ticket_type(operator: Operator, visit: Open) -> None:
    prices = {key: {"standard": "50.00", "child": "20.00"} for key in "1234"}
    event = operator.event(prices=prices)
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_settled()
    expect(buyer.find("#total")).to_have_text("€100.00")
    buyer.find("#lines select").first.select_option("child")
    expect(buyer.find("#total")).to_have_text("€70.00")
    buyer.picture("desktop-ticket-types")


def test_giving_all_back_leaves_nothing_held(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_settled()
    for _ in range(2):
        buyer.find("#lines button").first.click()
    buyer.expect_tickets("Your seats")
    expect(buyer.find("#timer")).to_be_hidden()
    counts = operator.counts(event)
    assert counts["held"] == 0, counts


def test_the_last_click_on_a_seat_counts_while_the_first_is_on_its_way(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit().open(event)
    buyer.click_seat(SEAT)  # far away: it opens the section
    buyer.rest()
    kept: list[Route] = []

    def keep(route: Route) -> None:
        kept.append(route)

    buyer.page.route("**/holds", keep)
    buyer.click_seat(SEAT)
    buyer.expect_tickets("1 ticket")
    buyer.expect_look(SEAT, PENDING)
    buyer.click_seat(SEAT)
    buyer.expect_tickets("Your seats")
    buyer.expect_look(SEAT, FREE)
    buyer.click_seat(SEAT)
    buyer.expect_tickets("1 ticket")
    expect(buyer.find("#lines li")).to_have_count(1)
    (first,) = kept
    first.continue_()
    buyer.expect_settled()
    buyer.expect_look(SEAT, MINE)


def test_of_two_who_want_a_seat_one_gets_it_and_the_other_hears_why(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    first, second = visit().open(event), visit()
    # The second one's page must not know yet: its line is open and says nothing.
    second.page.route_web_socket("**/live*", lambda _socket: None)
    second.open(event)
    for buyer in (first, second):
        buyer.click_seat(SEAT)
        buyer.rest()
    first.click_seat(SEAT)
    first.expect_settled()
    second.click_seat(SEAT)
    expect(second.find("#notice")).to_contain_text(
        "Lower A, row 1, seat 2: somebody else was a moment faster"
    )
    second.picture("desktop-somebody-was-faster")
    second.expect_tickets("Your seats")
    assert operator.counts(event)["held"] == 1
    second.expect_look(SEAT, HELD)
    assert first.look(SEAT) == MINE


def test_what_one_takes_the_other_sees(operator: Operator, visit: Open) -> None:
    event = operator.event()
    onlooker = visit().open(event)
    token = operator.hold(event, SEAT)
    onlooker.expect_look(SEAT, HELD)
    operator.ask("POST", "/bookings", {"holdToken": token})
    onlooker.expect_look(SEAT, BOOKED)


def test_a_choice_that_leaves_a_single_seat_is_refused_with_one_that_would_do(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(rules={"allowOrphans": False})
    buyer = visit().open(event)
    buyer.click_seat(SEAT)
    buyer.rest()
    buyer.click_seat(SEAT)  # the first seat of the row would be alone
    notice = buyer.find("#notice")
    expect(notice).to_contain_text("would leave a single seat alone")
    buyer.picture("desktop-orphan")
    notice.get_by_role("button", name="Take that seat").click()
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    assert operator.counts(event)["held"] == 1
    assert operator.statuses(event)[SEAT] == "available"


def test_the_standing_floor_on_the_map_opens_its_stepper(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = visit().open(event)
    floor = buyer.page.evaluate(MIDDLE_OF_FLOOR)
    buyer.page.mouse.click(floor["x"], floor["y"])
    card = buyer.find("#area-card")
    expect(card).to_contain_text("Standing floor")
    card.get_by_label("One more: Standing floor").click()
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    buyer.picture("desktop-standing-floor")
    assert operator.counts(event)["held"] == 1
    card.get_by_label("Close").click()
    expect(card).to_be_hidden()
