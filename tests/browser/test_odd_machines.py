"""Clocks that are wrong, tabs that nobody sees, hands that shake: the page sells all the same."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.people import FREE, MINE, Operator, Visit

MINUTES_MS = 60_000

STEP_S = 0.02
"""Between two events of one press."""

CLOCK_WRONG_BY = """(ms) => {
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...parts) { super(...(parts.length ? parts : [Right.now() + wrongByMs])); }
    static now() { return Right.now() + wrongByMs; }
  };
  globalThis.wrongByMs = ms;
}"""

HIDDEN = """() => {
  let hidden = true;
  Object.defineProperty(document, "hidden", { get: () => hidden });
  const state = () => (hidden ? "hidden" : "visible");
  Object.defineProperty(document, "visibilityState", { get: state });
  const [frame, waiting] = [globalThis.requestAnimationFrame.bind(globalThis), []];
  globalThis.requestAnimationFrame = (call) => (hidden ? waiting.push(call) : frame(call));
  const Observer = globalThis.ResizeObserver;
  globalThis.ResizeObserver = class extends Observer {
    constructor(call) { super((...seen) => hidden || call(...seen)); }
  };
  globalThis.comeToTheFront = () => {
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    for (const call of waiting) frame(call);
  };
}"""
"""As in a tab behind others: no frames are drawn and no sizes are noticed."""


def at_first(visit: Visit, function: str, argument: int | None = None) -> Visit:
    """Do this in each page before its own modules."""
    given = "" if argument is None else argument
    visit.page.add_init_script(f"({function})({given})")
    return visit


@pytest.mark.parametrize("minutes", [pytest.param(10, marks=pytest.mark.long), -10])
def test_a_clock_that_is_ten_minutes_wrong_changes_no_time_that_is_shown(
    operator: Operator, visit: Open, minutes: int
) -> None:
    start = datetime.now(UTC) + timedelta(minutes=5)
    event, later = operator.event(), operator.event(salesStart=start.isoformat())
    buyer = at_first(visit(), CLOCK_WRONG_BY, minutes * MINUTES_MS)
    buyer.open(later)
    expect(buyer.find("#sale-banner")).to_contain_text(re.compile(r"That is in [45]:\d\d"))
    buyer.open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    expect(buyer.find("#time")).to_have_text(re.compile(r"^(10:00|9:[45]\d)$"))


@pytest.mark.long
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_that_is_set_while_seats_are_held_is_noticed(
    operator: Operator, visit: Open, minutes: int
) -> None:
    event = operator.event()
    buyer = at_first(visit(), CLOCK_WRONG_BY, 0).open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    with buyer.page.expect_response("**/holds/current"):
        buyer.page.evaluate("(ms) => { globalThis.wrongByMs = ms; }", minutes * MINUTES_MS)
    expect(buyer.find("#time")).to_have_text(re.compile(r"^(10:00|9:[345]\d)$"))
    buyer.expect_tickets("2 tickets")


def test_a_page_that_is_opened_in_a_hidden_tab_is_there_when_it_is_looked_at(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = at_first(visit(), HIDDEN).open(event)
    operator.hold(event, "LOWER_A-1-02")
    buyer.page.set_viewport_size({"width": 900, "height": 700})
    buyer.page.evaluate("comeToTheFront()")
    buyer.rest()
    buyer.click_seat("LOWER_A-3-05")
    buyer.rest()
    buyer.click_seat("LOWER_A-3-05")
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    assert buyer.look("LOWER_A-3-05") == MINE


@pytest.mark.long
def test_a_list_without_events_in_a_hidden_tab_looks_again_when_it_is_looked_at(
    operator: Operator, visit: Open
) -> None:
    operator.event()
    buyer = at_first(visit(), HIDDEN)
    buyer.page.clock.install()
    buyer.page.route("**/events?*", lambda route: route.fulfill(json={"items": []}), times=1)
    buyer.page.goto(operator.url)
    expect(buyer.find("#message-title")).to_have_text("Nothing is on")
    buyer.page.clock.fast_forward(10_000)
    expect(buyer.find("#message-title")).to_be_visible()
    buyer.page.evaluate("comeToTheFront()")
    opening = buyer.find("#events li").filter(has_text="Opening Night")
    expect(opening.first).to_be_visible()


@pytest.mark.parametrize("shake_px", [pytest.param(3, marks=pytest.mark.long), 8])
def test_a_click_with_a_shaking_hand_takes_the_seat_and_moves_nothing(
    operator: Operator, visit: Open, shake_px: int
) -> None:
    buyer = near("LOWER_A-3-05", visit().open(operator.event()))
    place = buyer.place("LOWER_A-3-05")
    buyer.page.mouse.move(place["x"], place["y"])
    shake(buyer, place, shake_px)
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    assert (buyer.look("LOWER_A-3-05"), buyer.place("LOWER_A-3-05")) == (MINE, place)


@pytest.mark.parametrize("shake_px", [pytest.param(6, marks=pytest.mark.long), 12])
def test_a_tap_of_a_finger_that_slips_takes_the_seat_and_moves_nothing(
    operator: Operator, visit: Open, shake_px: int
) -> None:
    buyer = visit("phone").open(operator.event())
    buyer.tap_seat("LOWER_A-3-05")  # comes nearer first
    buyer.rest()
    place = buyer.place("LOWER_A-3-05")
    slip(buyer, place, shake_px)
    buyer.expect_tickets("1 ticket")
    buyer.expect_settled()
    assert (buyer.look("LOWER_A-3-05"), buyer.place("LOWER_A-3-05")) == (MINE, place)


def test_a_drag_moves_the_map_and_takes_no_seat(operator: Operator, visit: Open) -> None:
    buyer = visit("phone", reduced_motion="reduce").open(operator.event())
    buyer.tap_seat("LOWER_A-3-05")
    buyer.rest()
    place = buyer.place("LOWER_A-3-05")
    slip(buyer, place, 60)
    buyer.rest()
    assert buyer.place("LOWER_A-3-05")["x"] > place["x"] + 30
    assert buyer.look("LOWER_A-3-05") == FREE


def near(seat: str, buyer: Visit) -> Visit:
    """A first click on a section goes there."""
    buyer.click_seat(seat)
    buyer.rest()
    return buyer


def shake(buyer: Visit, place: dict[str, float], by_px: int) -> None:
    """Press a button of the mouse, let it shake, and let go, within 80 ms by the browser's clock.

    A press is one of a seat if it is short: how busy this machine is must not matter.
    """
    session, began = buyer.context.new_cdp_session(buyer.page), time.time()
    kinds = ["mousePressed", "mouseMoved", "mouseMoved", "mouseMoved", "mouseReleased"]
    for step, kind in enumerate(kinds):
        point = {"x": place["x"] + by_px * min(step, 3) / 3, "y": place["y"]}
        more = {"button": "left", "clickCount": 1, "timestamp": began + step * STEP_S}
        session.send("Input.dispatchMouseEvent", {"type": kind, **point, **more})


def slip(buyer: Visit, place: dict[str, float], by_px: int) -> None:
    """Put a finger down, let it slip, and take it away."""
    session, began = buyer.context.new_cdp_session(buyer.page), time.time()
    for step in range(4):
        kind = "touchMove" if step else "touchStart"
        point = {"x": place["x"] + by_px * step / 3, "y": place["y"]}
        at = {"touchPoints": [point], "timestamp": began + step * STEP_S}
        session.send("Input.dispatchTouchEvent", {"type": kind, **at})
    end = {"type": "touchEnd", "touchPoints": [], "timestamp": began + 4 * STEP_S}
    session.send("Input.dispatchTouchEvent", end)
