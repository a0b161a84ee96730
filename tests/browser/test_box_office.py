"""What an operator does at the box office: sell, block, release, find, cancel, exchange."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route, expect

from event_seating.venues.arenas import arena
from tests.browser.conftest import OpenDesk
from tests.browser.people import BOOKED, CLOSED, FREE, HELD, MINE, PENDING, STANDING, Operator
from tests.browser.test_looks import FINGER_PX, SMALL_TARGETS
from tests.support.seating import seat_map

SEAT, NEXT, THIRD = "LOWER_A-1-02", "LOWER_A-1-03", "LOWER_A-1-04"
CHEAP = "LOWER_A-9-04"
TYPES = {"1": {"standard": "145.00", "child": "70.00"}, "2": {"standard": "95.00"}}


def sold(operator: Operator, event: str, *seats: str, **fields: Any) -> dict[str, Any]:
    booking: dict[str, Any] = operator.ask(
        "POST", "/bookings", {"eventId": event, "seats": seats, **fields}
    )
    return booking


def bookings(operator: Operator, event: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = operator.ask("GET", f"/events/{event}/bookings")["items"]
    return found


def test_seats_are_sold_without_a_hold_and_tell_who_sits_there(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    office = desk().open(event)
    office.picture("office-overview")
    office.near(SEAT)
    office.find("#mode-select").click()
    for seat in (SEAT, NEXT):
        office.click_seat(seat)
    expect(office.find("#selection-title")).to_have_text("Selected: 2 seats")
    assert office.look(SEAT) == MINE
    office.find("#sell-order").fill("R-1")
    expect(office.find("#sell")).to_have_text("Sell 2 tickets · €290.00")
    office.picture("office-selection")
    office.expect_accessible()
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 2 tickets for €290.00.")
    (booking,) = bookings(operator, event)
    assert (booking["orderRef"], booking["seats"]) == ("R-1", [SEAT, NEXT])
    office.expect_look(SEAT, BOOKED)
    office.expect_count("booked", "2")
    office.expect_count("revenue", "€290.00")
    office.find("#mode-look").click()
    office.press_seat(SEAT)
    expect(office.find("#seat-title")).to_have_text("Lower A, row 1, seat 2")
    expect(office.find("#seat-body")).to_contain_text(booking["id"])
    expect(office.find("#seat-body")).to_contain_text("R-1")
    expect(office.find("#seat-body .history")).to_contain_text("booked")
    place = office.place(SEAT)
    office.page.mouse.move(place["x"], place["y"])
    expect(office.find("#tip")).to_contain_text("€145.00 · booked · R-1")
    office.picture("office-seat")
    office.expect_accessible()


def test_a_held_seat_tells_until_when(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event()
    token = operator.hold(event, SEAT)
    office = desk().open(event)
    office.press_seat(SEAT)
    expect(office.find("#seat-status")).to_have_text("held")
    ends = datetime.fromisoformat(operator.ask("GET", f"/holds/{token}")["expiresAt"])
    at = ends.astimezone(ZoneInfo("Europe/Berlin"))
    expect(office.find("#seat-expiry")).to_have_text(
        re.compile(rf"^{at.hour}:{at:%M:%S}, in (10:00|9:\d\d)$")
    )
    operator.ask("DELETE", f"/holds/{token}")
    expect(office.find("#seat-status")).to_have_text("available")
    expect(office.find("#seat-body .history")).to_contain_text("given back")


def test_a_blocked_seat_is_sold_only_when_it_is_allowed_and_with_its_ticket_type(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event(prices={**TYPES, "3": {"standard": "62.50"}, "4": {"standard": "38.00"}})
    operator.ask("POST", f"/events/{event}/blocks", {"seats": [SEAT], "reason": "sponsors"})
    office = desk().open(event)
    office.near(SEAT)
    office.find("#mode-select").click()
    office.click_seat(SEAT)
    office.click_seat(NEXT)
    expect(office.find("#sell-hint")).to_contain_text("1 of them is blocked")
    expect(office.find("#sell")).to_be_disabled()
    office.find("#sell-blocked").check()
    office.find("#sell-lines select").first.select_option("child")
    expect(office.find("#sell")).to_have_text("Sell 2 tickets · €215.00")
    office.picture("office-types")
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 2 tickets for €215.00.")
    (booking,) = bookings(operator, event)
    types = {line["seat"]: line["ticketType"] for line in booking["lines"]}
    assert types == {SEAT: "child", NEXT: "standard"}


@pytest.mark.long
def test_the_box_office_sells_at_a_price_of_staff_and_keeps_it_through_a_change(
    operator: Operator, desk: OpenDesk
) -> None:
    types = {"full": {"label": "Full"}, "press": {"label": "Press", "access": "staff"}}
    prices = {key: {"full": "50.00", "press": "0.00"} for key in "1234"}
    event = operator.event(ticketTypes=types, prices=prices)
    office = desk().open(event)
    office.near(SEAT)
    office.find("#mode-select").click()
    office.click_seat(SEAT)
    choice = office.find("#sell-lines select").first
    expect(choice.locator("option")).to_have_text(["Full · €50.00", "Press (staff) · €0.00"])
    # What all are told of a change has no type of staff in it.
    operator.ask("PATCH", f"/events/{event}", {"prices": {"1": {"full": "55.00", "press": "0.00"}}})
    expect(office.find("#sell")).to_have_text("Sell 1 ticket · €55.00")
    expect(choice.locator("option")).to_have_text(["Full · €55.00", "Press (staff) · €0.00"])
    choice.select_option("press")
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 1 ticket for €0.00.")
    (booking,) = bookings(operator, event)
    assert [line["ticketType"] for line in booking["lines"]] == ["press"]


def test_a_seat_that_somebody_else_was_faster_to_take_is_named(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    office = desk()
    office.page.route_web_socket("**/live*", lambda _socket: None)  # hears of nothing
    office.open(event)
    office.near(SEAT)
    office.find("#mode-select").click()
    office.click_seat(SEAT)
    office.click_seat(NEXT)
    operator.hold(event, SEAT)
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Lower A, row 1, seat 2: held by a buyer")
    office.picture("office-refused")
    office.find("#sell-outcome button").click()
    expect(office.find("#selection-title")).to_have_text("Selected: 1 seat")
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 1 ticket")


def test_a_frame_on_the_map_is_blocked_with_a_reason_and_released(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    sold(operator, event, NEXT)
    office = desk().open(event)
    office.near(SEAT)
    office.find("#mode-select").click()
    office.drag_frame(SEAT, "LOWER_A-3-06")
    expect(office.find("#selection-title")).to_have_text("Selected: 15 seats")
    expect(office.find("#selection-keep")).to_contain_text("14 available")
    office.find("#block-reason").fill("cameras")
    office.find("#block").click()
    expect(office.find("#block-outcome")).to_contain_text("Blocked: 14. Left as they were: 1.")
    expect(office.find("#block-outcome")).to_contain_text("Lower A, row 1, seat 3: booked")
    office.picture("office-blocked")
    assert operator.counts(event)["blocked"] == 14
    office.expect_count("blocked", "14")
    office.expect_look("LOWER_A-3-06", MINE)
    history = operator.ask("GET", f"/events/{event}/seats/{SEAT}")["history"]
    assert history[0]["reason"] == "cameras"
    office.page.get_by_role("button", name="14 blocked: keep only these").click()
    office.find("#release").click()
    expect(office.find("#block-outcome")).to_contain_text("Released: 14.")
    assert operator.counts(event)["blocked"] == 0
    office.expect_look(SEAT, FREE)


def test_places_of_a_floor_are_blocked_released_and_sold(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    office = desk().open(event)
    office.tab("sell")
    places = office.page.get_by_label("Standing floor, number of places")
    for button, outcome, blocked in (
        ("block", "Blocked: 40.", 40),
        ("release", "Released: 40.", 0),
    ):
        places.fill("40")
        places.press("Tab")
        office.find(f"#{button}").click()
        expect(office.find("#block-outcome")).to_contain_text(outcome)
        assert operator.counts(event)["blocked"] == blocked
    places.fill("3")
    places.press("Tab")
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 3 tickets for €285.00.")
    assert operator.counts(event)["booked"] == 3


def test_a_booking_is_found_shown_and_cancelled_seat_by_seat(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    booking = sold(operator, event, SEAT, NEXT, THIRD, areas={"FLOOR": 2}, orderRef="R-7")
    sold(operator, event, CHEAP, orderRef="R-8")
    office = desk().open(event)
    office.tab("bookings")
    office.find("#find button").click()
    expect(office.find("#found li")).to_have_count(2)
    office.picture("office-found")
    office.expect_accessible()
    for by, text in (
        ("orderRef", "R-7"),
        ("seat", SEAT),
        ("seat", "lower a, row 1, seat 2"),
        ("id", booking["id"]),
    ):
        office.find("#find-by").select_option(by)
        office.find("#find-text").fill(text)
        office.find("#find button").click()
        expect(office.find("#booking-title")).to_have_text("Order R-7")
        office.expect_look(SEAT, PENDING)
        if by != "id":
            office.find("#booking-close").click()
    office.rest()
    office.picture("office-booking")
    office.expect_accessible()
    office.page.get_by_label("Lower A, row 1, seat 3").check()
    office.page.get_by_label("Standing floor: how many of 2").fill("1")
    office.find("#cancel-reason").fill("ill")
    office.find("#cancel-some").click()
    office.picture("office-confirm")
    office.find("#confirm-yes").click()
    expect(office.find("#booking-outcome")).to_contain_text("Cancelled in part. Left: €385.00.")
    left = operator.ask("GET", f"/bookings/{booking['id']}")
    assert (left["seats"], left["areas"]) == ([SEAT, THIRD], {"FLOOR": 1})
    office.expect_look(NEXT, FREE)
    office.find("#cancel-all").click()
    office.find("#confirm-no").click()
    assert operator.ask("GET", f"/bookings/{booking['id']}")["status"] == "confirmed"
    office.find("#cancel-all").click()
    office.find("#confirm-yes").click()
    expect(office.find("#booking-outcome")).to_contain_text("Cancelled: all of it.")
    expect(office.find("#booking-chip")).to_have_text("cancelled")
    assert operator.ask("GET", f"/bookings/{booking['id']}")["status"] == "cancelled"
    office.expect_count("revenue", "€95.00")


@pytest.mark.long
def test_what_is_not_there_is_not_found_and_said(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event()
    office = desk().open(event)
    office.tab("bookings")
    for by, text, said in (
        ("orderRef", "<b>none</b>", "No booking was found."),
        ("seat", "nowhere", "This map has no such seat."),
        ("id", "../../health", "No booking was found."),
    ):
        office.find("#find-by").select_option(by)
        office.find("#find-text").fill(text)
        office.find("#find button").click()
        expect(office.find("#find-said")).to_contain_text(said)


def test_seats_are_exchanged_after_the_difference_was_shown(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    booking = sold(operator, event, SEAT, NEXT, orderRef="R-9")
    office = desk().open(event)
    office.near(CHEAP)
    office.find("#mode-select").click()
    office.click_seat(CHEAP)
    office.tab("bookings")
    office.find("#find-text").fill("R-9")
    office.find("#find button").click()
    expect(office.find("#exchange-price")).to_be_disabled()
    office.page.get_by_label("Lower A, row 1, seat 2").check()
    office.find("#exchange-price").click()
    expect(office.find("#exchange-difference")).to_have_text("€50.00 to be given back.")
    assert operator.ask("GET", f"/bookings/{booking['id']}")["seats"] == [SEAT, NEXT]
    office.picture("office-exchange")
    office.expect_accessible()
    # Another choice has another price: the one that was shown is over.
    office.page.get_by_label("Lower A, row 1, seat 3").check()
    expect(office.find("#exchange-go")).to_be_hidden()
    office.page.get_by_label("Lower A, row 1, seat 3").uncheck()
    office.find("#exchange-price").click()
    office.find("#exchange-go").click()
    expect(office.find("#booking-outcome")).to_contain_text("Exchanged. €50.00 to be given back.")
    after = operator.ask("GET", f"/bookings/{booking['id']}")
    assert (after["seats"], after["total"]) == ([NEXT, CHEAP], "240.00")
    office.expect_look(SEAT, FREE)
    office.expect_count("revenue", "€240.00")


def test_the_charts_show_what_the_server_knows_and_move_by_themselves(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event()
    sold(operator, event, SEAT, NEXT, areas={"FLOOR": 5}, orderRef="R-1")
    gone = sold(operator, event, THIRD)
    operator.ask("POST", f"/bookings/{gone['id']}/cancel", {})
    operator.ask("POST", f"/events/{event}/blocks", {"rows": [{"section": "LOWER_B", "index": 1}]})
    operator.hold(event, CHEAP)
    office = desk().open(event)
    office.tab("charts")
    expect(office.find(".line-chart").first).to_be_visible()
    agree(office_numbers(office), operator, event)
    chart = office.page.get_by_role("slider", name="Revenue over time")
    expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(r"^€765\.00 · (1?\d|2[0-3]):[0-5]\d:[0-5]\d$")
    )
    chart.focus()
    chart.press("Home")
    expect(chart.locator(".chart-tip")).to_contain_text("€0.00")
    chart.press("End")
    expect(chart.locator(".chart-tip")).to_contain_text("€765.00")
    office.expect_accessible()
    # Another client sells, and the page that is open hears of it.
    sold(operator, event, "LOWER_C-1-01", orderRef="R-2")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^€910\.00"))
    office.expect_count("booked", "8")
    agree(office_numbers(office), operator, event)
    box = chart.bounding_box()
    assert box
    office.page.mouse.move(box["x"] + box["width"] - 30, box["y"] + 90)
    office.picture("office-charts")
    office.find("#occupancy button").nth(2).hover()
    office.picture("office-occupancy")


def office_numbers(office: Any) -> dict[str, list[str]]:
    """The last line of the sale's table, and each section's line, as they read."""
    for name in ("sale-table", "occupancy-table"):
        office.find(f"#{name}").evaluate("(details) => { details.open = true; }")
    expect(office.find("#occupancy-table tbody tr").first).to_be_visible()
    expect(office.find("#sale-table tbody tr").first).to_be_visible()
    rows = office.find("#occupancy-table tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    last = office.find("#sale-table tbody tr").last.evaluate(
        "(row) => [...row.cells].map((cell) => cell.textContent)"
    )
    return {"sale": last[1:]} | {name: numbers for name, *numbers in rows}


def agree(shown: dict[str, list[str]], operator: Operator, event: str) -> None:
    """Compare the charts with the API."""
    confirmed = [each for each in bookings(operator, event) if each["status"] == "confirmed"]
    tickets = sum(line.get("quantity", 1) for each in confirmed for line in each["lines"])
    revenue = sum(float(each["total"]) for each in confirmed)
    assert shown.pop("sale") == [f"{tickets}", f"€{revenue:,.2f}"]
    labels = {
        section["label"]: [seat["id"] for row in section["rows"] for seat in row["seats"]]
        for section in arena(1_500, standing=STANDING)["sections"]
    }
    statuses = operator.statuses(event)
    floor = operator.ask("GET", f"/events/{event}/seats")["areas"]["FLOOR"]
    names = ("booked", "held", "blocked", "available")
    expected = {"Standing floor": [floor[name] for name in names]}
    for label, seats in labels.items():
        expected[label] = [sum(statuses[seat] == name for seat in seats) for name in names]
    assert shown == {
        label: [str(number) for number in [*numbers, sum(numbers)]]
        for label, numbers in expected.items()
    }


def test_a_lost_answer_sells_once_when_it_is_pressed_again(
    operator: Operator, desk: OpenDesk
) -> None:
    event = operator.event(seat_map_of_a_floor())
    office = desk().open(event)
    office.tab("sell")
    lost: list[str] = []

    def lose(route: Route) -> None:
        # The server does it, and nobody hears of it.
        route.fetch()
        lost.append(route.request.headers["idempotency-key"])
        route.abort()

    office.page.route("**/bookings", lose)
    places = office.page.get_by_label("Floor, number of places")
    places.fill("2")
    places.press("Tab")
    office.page.clock.install()
    office.find("#sell").click()
    for _ in range(8):
        office.page.clock.run_for(5_000)
    expect(office.find("#sell-outcome")).to_contain_text("done once at the most")
    office.page.unroute_all()
    office.find("#sell").click()
    expect(office.find("#sell-outcome")).to_contain_text("Sold: 2 tickets")
    assert len(set(lost)) == 1
    assert operator.counts(event)["booked"] == 2


def seat_map_of_a_floor() -> dict[str, Any]:
    small = seat_map(rows=2, seats=6, floor=30)
    del small["venueId"]
    return small


def test_everything_is_done_with_keys_alone(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event()
    office = desk().open(event)
    keys = office.page.keyboard
    keys.press("Tab")
    expect(office.find(".skip")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(office.find("#tab-button-seat")).to_be_focused()
    keys.press("End")
    expect(office.find("#tab-button-list")).to_be_focused()
    tab_to(office, "#tab-list")
    tab_to(office, "#list-body .sections > li > button")
    keys.press("Enter")
    tab_to(office, ".row .row-select")
    keys.press("Enter")
    expect(office.find("#tab-button-sell")).to_have_attribute("data-count", re.compile(r"^\d+$"))
    count = int(office.find("#tab-button-sell").get_attribute("data-count") or 0)
    tab_to(office, ".seat")
    keys.press("ArrowRight")
    expect(office.page.locator(":focus")).to_have_attribute(
        "aria-label", re.compile(r"^Row 1, seat 2, €145.00, available, selected$")
    )
    office.picture("office-list")
    office.expect_accessible()
    office.find("#tab-button-list").focus()
    keys.press("Home")
    keys.press("ArrowRight")
    tab_to(office, "#block-reason")
    keys.type("stairs")
    tab_to(office, "#block")
    keys.press("Enter")
    expect(office.find("#block-outcome")).to_contain_text(f"Blocked: {count}.")
    assert operator.counts(event)["blocked"] == count
    assert operator.statuses(event)[SEAT] == "blocked"


def tab_to(office: Any, selector: str) -> None:
    """Press Tab until something that matches has the focus."""
    for _ in range(60):
        office.page.keyboard.press("Tab")
        if office.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(selector)


def test_a_phone_selects_by_a_frame_and_blocks(operator: Operator, desk: OpenDesk) -> None:
    event = operator.event()
    operator.hold(event, NEXT)
    office = desk("phone").open(event)
    office.picture("office-phone")
    office.near(SEAT)
    office.tap_seat(NEXT)
    expect(office.find("#seat-status")).to_have_text("held")
    office.picture("office-phone-seat")
    office.find("#mode-select").tap()
    office.drag_frame(SEAT, "LOWER_A-2-04")
    expect(office.find("#selection-title")).to_have_text("Selected: 6 seats")
    office.find("#block").scroll_into_view_if_needed()
    office.find("#block").tap()
    expect(office.find("#block-outcome")).to_contain_text("Blocked: 5. Left as they were: 1.")
    office.picture("office-phone-blocked")
    assert office.page.evaluate(SMALL_TARGETS, FINGER_PX) == []
    office.expect_accessible()
    office.tab("charts")
    office.find("#larger").tap()
    expect(office.find("#occupancy li").first).to_be_visible()
    office.picture("office-phone-charts")
    office.expect_accessible()
    wide = office.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    assert operator.counts(event)["blocked"] == 5
    office.find("#larger").tap()
    office.tab("list")
    office.find("#list-body .sections > li > button").first.tap()
    office.picture("office-phone-list")
    office.tab("sell")
    office.find("#selection-clear").click()
    office.expect_look("LOWER_A-2-04", CLOSED)
    office.expect_look(NEXT, HELD)
