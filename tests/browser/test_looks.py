"""What the page looks like, and that everybody can use it: light and dark, large and small."""

import pytest
from playwright.sync_api import expect

from event_seating.venues.arenas import arena
from tests.browser.conftest import Open
from tests.browser.people import STANDING, Operator, Visit

FINGER_PX = 44

SMALL_TARGETS = """(least) => [...document.querySelectorAll("button, a, select, input")]
  .filter((each) => each.checkVisibility() && !each.closest(".skip, label"))
  .filter(({ type }) => type !== "range")
  .map((each) => [each.id || each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([, { height }]) => height < least)
  .map(([name, { height }]) => `${name}: ${height}`)"""


def lively(operator: Operator) -> str:
    """An event of which a part is sold, held and blocked."""
    event = operator.event(arena(6_000, standing=STANDING))
    for section in ("LOWER_B", "LOWER_C", "MIDDLE_A", "MIDDLE_D"):
        seats = [seat for seat in operator.statuses(event) if seat.startswith(f"{section}-")]
        sold = [seat for number, seat in enumerate(seats) if number % 7 < 5 or number < 60]
        operator.ask("POST", "/bookings", {"eventId": event, "seats": sold})
    operator.hold(event, *[f"LOWER_A-5-{number:02d}" for number in range(3, 8)])
    operator.ask("POST", f"/events/{event}/blocks", {"rows": [{"section": "LOWER_A", "index": 9}]})
    return event


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("phone", "dark"),
        pytest.param("desktop", "light", marks=pytest.mark.long),
        pytest.param("desktop", "dark", marks=pytest.mark.long),
        pytest.param("phone", "light", marks=pytest.mark.long),
    ],
)
def test_each_main_state_is_accessible(
    operator: Operator, visit: Open, size: str, scheme: str
) -> None:
    event = lively(operator)
    buyer: Visit = visit(size, color_scheme=scheme).open(event)
    name = f"looks-{size}-{scheme}"
    buyer.picture(f"{name}-1-overview")
    buyer.expect_accessible()
    buyer.find("#best").click()
    buyer.expect_settled()
    buyer.rest()
    buyer.picture(f"{name}-2-best")
    buyer.expect_accessible()
    buyer.find("#zoom-fit").click()
    buyer.rest()
    buyer.picture(f"{name}-2-basket")
    if size == "phone":
        buyer.find("#sheet-toggle").click()
    buyer.find(".sections > li > button").first.click()
    buyer.rest()
    buyer.picture(f"{name}-3-list")
    buyer.expect_accessible()
    if size == "phone":
        buyer.find("#sheet-toggle").click()
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_be_visible()
    buyer.picture(f"{name}-4-booked")
    buyer.expect_accessible()


def test_a_finger_finds_large_targets(operator: Operator, visit: Open) -> None:
    buyer = visit("phone").open(operator.event())
    assert buyer.page.evaluate(SMALL_TARGETS, FINGER_PX) == []


def test_the_page_itself_never_moves(operator: Operator, visit: Open) -> None:
    buyer = visit("phone").open(operator.event(arena(6_000, standing=STANDING)))
    before = buyer.find("#canvas").bounding_box()
    buyer.find("#best").tap()
    buyer.expect_settled()
    buyer.find("#sheet-toggle").tap()
    buyer.find("#list").scroll_into_view_if_needed()
    buyer.find("#sheet-toggle").tap()
    assert buyer.find("#canvas").bounding_box() == before
    assert buyer.page.evaluate("[scrollX, scrollY]") == [0, 0]


def test_the_wheel_zooms_where_the_pointer_is(operator: Operator, visit: Open) -> None:
    buyer = visit().open(operator.event(arena(6_000, standing=STANDING)))
    seat = "LOWER_A-5-05"
    before = buyer.place(seat)
    buyer.page.mouse.move(before["x"], before["y"])
    for _ in range(6):
        buyer.page.mouse.wheel(0, -200)
    after = buyer.place(seat)
    assert after["pitch"] > 3 * before["pitch"]
    # The pointer was at a whole pixel, the seat perhaps half of one away.
    within = after["pitch"] / before["pitch"]
    assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=within)


def test_two_fingers_pinch(operator: Operator, visit: Open) -> None:
    buyer = visit("phone").open(operator.event(arena(6_000, standing=STANDING)))
    before = buyer.place("LOWER_A-5-05")["pitch"]
    session = buyer.context.new_cdp_session(buyer.page)
    for apart in (20, 60, 100, 140):
        kind = "touchStart" if apart == 20 else "touchMove"
        points = [{"x": 190 - apart, "y": 400}, {"x": 190 + apart, "y": 400}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert buyer.place("LOWER_A-5-05")["pitch"] > 4 * before
    assert buyer.page.evaluate("visualViewport.scale") == 1


def test_turning_dark_repaints_the_map(operator: Operator, visit: Open) -> None:
    buyer = visit(color_scheme="light").open(operator.event())
    corner = """() => [...document.querySelector("#canvas").getContext("2d")
      .getImageData(2, 2, 1, 1).data.slice(0, 3)].reduce((sum, part) => sum + part)"""
    assert buyer.page.evaluate(corner) > 700
    buyer.page.emulate_media(color_scheme="dark")
    buyer.page.wait_for_function(f"() => ({corner})() < 100")


@pytest.mark.long
def test_colours_of_the_readers_own_still_show_every_seat(operator: Operator, visit: Open) -> None:
    buyer = visit(forced_colors="active").open(lively(operator))
    buyer.find("#best").click()
    buyer.expect_settled()
    buyer.rest()
    buyer.picture("looks-forced-colours")
    buyer.expect_accessible()


def test_who_wants_no_motion_is_there_at_once(operator: Operator, visit: Open) -> None:
    buyer = visit(reduced_motion="reduce").open(operator.event(arena(6_000, standing=STANDING)))
    buyer.find(".sections > li > button").first.click()
    assert buyer.place("LOWER_A-5-05")["pitch"] > 11
