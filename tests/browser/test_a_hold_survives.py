"""What a buyer holds stays theirs: over reloads, tabs, dead servers, lost networks and sleep."""

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Open
from tests.browser.people import FREE, HELD, MINE, Operator, Visit, drained
from tests.support.process import settings
from tests.support.waiting import wait_until

HELD_SEATS = 2
CHANGE = "**/holds/current"


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def holding(visit: Visit, event: str) -> Visit:
    """Hold the best two seats."""
    visit.open(event)
    visit.find("#best").click()
    visit.expect_tickets("2 tickets")
    visit.expect_settled()
    return visit


def test_a_reload_and_the_back_button_keep_the_hold(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = holding(visit(), event)
    buyer.page.reload()
    buyer.expect_tickets("2 tickets")
    expect(buyer.find("#timer")).to_be_visible()
    buyer.find(".home").click()
    expect(buyer.find("#events li").first).to_be_visible()
    buyer.page.go_back()
    buyer.expect_tickets("2 tickets")
    assert operator.counts(event)["held"] == HELD_SEATS


def test_a_second_tab_has_the_same_hold_and_hears_of_changes(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = holding(visit(), event)
    second = buyer.context.new_page()
    second.goto(buyer.page.url)
    expect(second.locator("#basket-title")).to_have_text("2 tickets")
    second.locator("#lines button").first.click()
    expect(second.locator("#basket-title")).to_have_text("1 ticket")
    buyer.expect_tickets("1 ticket")
    buyer.find("#go").click()
    expect(buyer.find("#done")).to_be_visible()
    expect(second.locator("#basket-title")).to_have_text("Your seats")
    assert operator.counts(event)["booked"] == 1


@pytest.mark.long
def test_a_server_that_was_killed_comes_back_and_the_hold_goes_on(
    visit: Open, tmp_path: Path, closing: ExitStack
) -> None:
    with drained(settings(tmp_path)) as first:
        operator = Operator(first.url)
        closing.callback(operator.close)
        event = operator.event()
        buyer = holding(visit(at=operator), event)
        first.child.send_signal(signal.SIGKILL)
        first.kill()
        expect(buyer.find("#connection-banner")).to_contain_text("The connection is lost.")
        expect(buyer.find("#map")).to_have_class(re.compile("stale"))
        buyer.picture("desktop-connection-lost")
        buyer.expect_accessible()
        # A change is repeated for some seconds, and a server may take longer to start: the first
        # attempt meets none, those that follow are kept on their way until there is one.
        attempts: list[Route] = []

        def keep_all_but_the_first(route: Route) -> None:
            attempts.append(route)
            if len(attempts) == 1:
                route.continue_()

        buyer.page.route(CHANGE, keep_all_but_the_first)
        with buyer.page.expect_event("requestfailed", lambda request: request.method == "PATCH"):
            buyer.find("#lines button").first.click()
        buyer.expect_tickets("1 ticket")
        port = first.url.rpartition(":")[2]
    with drained(settings(tmp_path) | {"PORT": port}):
        buyer.page.unroute(CHANGE)  # which sends on what it kept
        expect(buyer.find("#connection-banner")).to_be_hidden(timeout=30_000)
        # The change was repeated under its key until it was answered.
        buyer.expect_settled()
        buyer.expect_tickets("1 ticket")
        buyer.find("#go").click()
        expect(buyer.find("#done")).to_be_visible()
        assert operator.counts(event)["booked"] == 1


def test_offline_and_back_catches_up(operator: Operator, visit: Open) -> None:
    event = operator.event()
    buyer = holding(visit(), event)
    seat = next(each for each, status in operator.statuses(event).items() if status == "available")
    buyer.context.set_offline(True)
    expect(buyer.find("#connection-banner")).to_contain_text("You are offline.")
    buyer.picture("desktop-offline")
    operator.hold(event, seat)
    assert buyer.look(seat) == FREE
    buyer.context.set_offline(False)
    expect(buyer.find("#connection-banner")).to_be_hidden(timeout=20_000)
    buyer.expect_look(seat, HELD)
    buyer.expect_tickets("2 tickets")


@pytest.mark.long
def test_a_laptop_that_slept_a_little_counts_down_by_the_server_again(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit()
    buyer.page.clock.install()
    holding(buyer, event)
    # Its clock is wrong by five minutes afterwards, as far as the server can tell.
    buyer.page.clock.fast_forward(300_000)
    expect(buyer.find("#time")).to_have_text(re.compile(r"^9:\d\d$"))
    buyer.expect_tickets("2 tickets")


def test_a_token_that_expired_in_sleep_says_so_and_offers_the_same_seats(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(rules={"holdTtl": 3})
    buyer = visit()
    buyer.page.route_web_socket("**/live*", lambda _: None)  # asleep, it hears nothing
    buyer.page.clock.install()
    buyer.open(event)
    # It sleeps from now on, so that the hold may end whenever it does. What is clicked is done.
    buyer.page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=10))
    with buyer.page.expect_response("**/holds") as granted:
        buyer.find("#best").click()
    before = granted.value.json()["seats"]
    buyer.expect_tickets("2 tickets")
    wait_until(lambda: not operator.counts(event)["held"])
    operator.ask(
        "PATCH", f"/events/{event}", {"rules": {"holdTtl": 600}}
    )  # the next one is to last
    buyer.page.clock.fast_forward(3_600_000)
    buyer.page.clock.resume()
    expect(buyer.find("#notice")).to_contain_text("Your time ran out")
    buyer.picture("desktop-time-ran-out")
    buyer.expect_accessible()
    buyer.find("#notice").get_by_role("button", name="Try for the same seats").click()
    buyer.expect_tickets("2 tickets")
    buyer.expect_settled()
    assert [buyer.look(seat) for seat in before] == [MINE, MINE]


@pytest.mark.long
def test_a_hold_that_ended_days_ago_is_forgotten_and_the_page_goes_on(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = holding(visit(), event)
    ended = {"error": "This hold ended long ago.", "code": "hold_ended", "booked": False}
    buyer.page.route("**/holds/current", lambda route: route.fulfill(status=410, json=ended))
    buyer.page.reload()
    expect(buyer.find("#notice")).to_contain_text("Your seats went back on sale long ago.")
    expect(buyer.find("#basket-title")).to_have_text("Your seats")
    buyer.page.unroute("**/holds/current")
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")


@pytest.mark.parametrize("size", ["phone", pytest.param("desktop", marks=pytest.mark.long)])
def test_two_minutes_before_the_end_it_warns_and_can_be_extended(
    operator: Operator, visit: Open, size: str
) -> None:
    event = operator.event(rules={"holdTtl": 122})
    buyer = holding(visit(size), event)
    expect(buyer.find("#timer")).to_have_class(re.compile("soon"))
    expect(buyer.find("#assertive")).to_have_text("2 minutes left for your seats.")
    expect(buyer.find("#time")).to_have_text(re.compile(r"^1:5\d$"))
    buyer.picture(f"{size}-two-minutes")
    buyer.expect_accessible()
    buyer.find("#extend").click()
    expect(buyer.find("#time")).to_have_text(re.compile(r"^2:0\d$"))


def test_a_hold_that_cannot_be_extended_says_so(operator: Operator, visit: Open) -> None:
    event = operator.event(rules={"holdTtl": 60})
    buyer = holding(visit(), event)
    buyer.page.route(
        "**/holds/current/extend",
        lambda route: route.fulfill(status=409, json={"error": "No.", "code": "nothing_gained"}),
    )
    buyer.find("#extend").click()
    expect(buyer.find("#notice")).to_contain_text("cannot be kept any longer")


def test_an_answer_that_was_lost_is_had_again_and_nothing_is_done_twice(
    operator: Operator, visit: Open
) -> None:
    event = operator.event()
    buyer = visit().open(event)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.fallback()
            return
        lost.append(str(route.fetch().status))  # the server has done it
        route.abort()

    buyer.page.route("**/holds", lose_the_first)
    buyer.click_seat("LOWER_A-1-02")
    buyer.rest()
    buyer.click_seat("LOWER_A-1-02")
    buyer.expect_settled()
    assert lost == ["201"]
    buyer.expect_tickets("1 ticket")
    expect(buyer.find("#notice")).to_be_hidden()
    assert operator.counts(event)["held"] == 1
