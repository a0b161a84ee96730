"""Halls that are no arena: a small hall, standing room alone, tickets of no standard type."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.people import Operator

PITCH = 20
LONG_NAME = "The Donaudampfschifffahrtsgesellschaftskapitän's Memorial Balcony on the Left"

DRAWN = """async () => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { view } = await shown;
  const found = [];
  const { pills } = view.renderer;
  const of = pills.of.bind(pills);
  pills.of = (lines, style) => {
    found.push(lines.join(" / "));
    return of(lines, style);
  };
  view.invalidate();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  pills.of = of;
  return found;
}"""

SIDEWAYS = """() => [...document.querySelectorAll("#list, .sections span")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth
    || each.getBoundingClientRect().right > innerWidth).length"""


def section(name: str, top: int, label: str) -> dict[str, Any]:
    """Four rows of twelve."""
    rows = [
        {
            "index": row,
            "seats": [
                {
                    "id": f"{name}-{row}-{seat}",
                    "col": seat,
                    "x": seat * PITCH,
                    "y": top + row * PITCH,
                    "priceTier": 1,
                }
                for seat in range(1, 13)
            ],
        }
        for row in range(1, 5)
    ]
    return {
        "id": name,
        "label": label,
        "transform": {"x": 0, "y": 0, "scale": 1},
        "rows": rows,
    }


def hall(*sections: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": "Town hall",
        "map": {"width": 300, "height": 300},
        "priceTiers": {"1": {"price": 10, "label": "Seats"}, "2": {"price": 40, "label": "Boxes"}},
        "sections": list(sections),
        **fields,
    }


def test_sections_of_a_small_hall_are_named_over_their_seats(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(hall(section("P", 0, "Parterre"), section("B", 200, "Balcony")))
    buyer = visit().open(event)
    buyer.picture("desktop-small-hall")
    drawn = buyer.page.evaluate(DRAWN)
    assert "Parterre / 48 free · from €10" in drawn
    assert "Balcony / 48 free · from €10" in drawn
    operator.hold(event, "B-1-1")
    expect(buyer.find(".sections > li").last).to_contain_text("47 free")
    assert "Balcony / 47 free · from €10" in buyer.page.evaluate(DRAWN)


@pytest.mark.long
def test_sections_without_space_between_them_have_no_name_on_their_seats(
    operator: Operator, visit: Open
) -> None:
    event = operator.event(hall(section("P", 0, "Parterre"), section("B", 4 * PITCH, "Balcony")))
    drawn = visit().open(event).page.evaluate(DRAWN)
    assert any(label.startswith("Parterre") for label in drawn)
    assert not any(label.startswith("Balcony") for label in drawn)


@pytest.mark.long
def test_an_arena_from_far_away_says_what_is_free_and_from_how_much(
    operator: Operator, visit: Open
) -> None:
    drawn = visit().open(operator.event()).page.evaluate(DRAWN)
    assert any("Lower A / " in label and "€95" in label for label in drawn), drawn


def test_the_highest_price_is_one_that_a_seat_has(operator: Operator, visit: Open) -> None:
    buyer = visit().open(operator.event(hall(section("P", 0, "Parterre"))))
    expect(buyer.find(".category")).to_have_count(1)
    expect(buyer.find("#price-limit")).to_be_hidden()


@pytest.mark.long
def test_long_names_do_not_push_the_list_aside(operator: Operator, visit: Open) -> None:
    event = operator.event(hall(section("P", 0, LONG_NAME), section("B", 200, "Balcony")))
    buyer = visit().open(event)
    expect(buyer.find(".sections > li").first).to_contain_text("48 free · from €10")
    assert buyer.page.evaluate(SIDEWAYS) == 0


def test_standing_room_alone_has_nothing_better_to_find(operator: Operator, visit: Open) -> None:
    floor = {"id": "F", "label": "Floor", "capacity": 50, "priceTier": 2}
    floor |= {"x": 0, "y": 0, "width": 300, "height": 200}
    event = operator.event(hall(areas=[floor]))
    for size in ("desktop", "phone"):
        buyer = visit(size).open(event)
        expect(buyer.find("#best")).to_be_hidden()
        expect(buyer.find("#basket-hint")).to_have_text("Choose how many places you want.")
        expect(buyer.find("#basket-hint")).to_be_visible()
        buyer.picture(f"{size}-standing-alone")
        buyer.expect_accessible()
    buyer.find("#sheet-toggle").click()
    buyer.find("#list [aria-label='One more: Floor']").click()
    buyer.expect_tickets("1 ticket")


@pytest.mark.long
def test_tickets_of_no_standard_type_are_found_and_had_again(
    operator: Operator, visit: Open
) -> None:
    prices = {"1": {"adult": "20.00", "child": "10.00"}, "2": {"adult": "40.00"}}
    event = operator.event(hall(section("P", 0, "Parterre")), prices=prices, rules={"holdTtl": 5})
    buyer = visit()
    buyer.page.clock.install()
    buyer.open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    expect(buyer.find("#total")).to_have_text("€40.00")
    buyer.find("#lines select").first.select_option("child")
    expect(buyer.find("#total")).to_have_text("€30.00")
    buyer.page.clock.fast_forward(3_600_000)
    # The same seats for the same money, when the time ran out.
    buyer.find("#notice").get_by_role("button", name="Try for the same seats").click()
    expect(buyer.find("#total")).to_have_text("€30.00")


WRITTEN = """() => {
  window.written = [];
  for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const fillText = prototype.fillText;
    prototype.fillText = function (text, ...place) {
      window.written.push(text);
      return fillText.call(this, text, ...place);
    };
  }
}"""

COLOR_AT = """async ([x, y]) => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { view } = await shown;
  while (view.camera.flight) await new Promise((done) => requestAnimationFrame(done));
  const [left, top] = view.camera.toScreen(x, y).map((at) => Math.round(at * devicePixelRatio));
  return [...view.canvas.getContext("2d").getImageData(left, top, 1, 1).data.slice(0, 3)];
}"""


def plan(*areas: dict[str, Any]) -> dict[str, Any]:
    """A row of twelve in the format with zones, and what is drawn beside it."""
    seats = [
        {"seat_guid": "G", "uuid": f"u-{n}", "seat_number": str(n), "category": "A"}
        | {"position": {"x": PITCH * n, "y": 0}}
        for n in range(1, 13)
    ]
    row = {"row_number": "1", "position": {"x": 0, "y": 0}, "seats": seats}
    zone = {"name": "Parterre", "position": {"x": 0, "y": 0}, "rows": [row], "areas": [*areas]}
    return {
        "name": "A plan",
        "size": {"width": 300, "height": 300},
        "categories": [{"name": "A", "color": "red"}],
        "zones": [zone],
    }


def test_the_shapes_of_a_plan_are_drawn_as_it_says(operator: Operator, visit: Open) -> None:
    def area(shape: str, y: int, text: dict[str, Any], **more: Any) -> dict[str, Any]:
        place = {"x": 20, "y": y}
        return {"shape": shape, "position": place, "text": text, "rotation": 0} | more

    nothing = {"text": "", "position": {"x": 0, "y": 0}, "color": "#333333"}
    size = {"width": 100, "height": 40}
    hall = plan(
        area("rectangle", 50, nothing, color="#00ff00", rectangle=size),
        area("text", 200, {"text": "Entrance", "position": {"x": 50, "y": 0}}),
        area("circle", 150, nothing, color="rgb(0 0 255)", circle={"radius": 20}),
        area("rectangle", 300, nothing, color="#ff0000", rotation=90, rectangle=size),
    )
    buyer = visit()
    buyer.page.add_init_script(f"({WRITTEN})()")
    buyer.open(operator.event(hall, prices={"A": {"standard": "10.00"}}))
    buyer.rest()
    buyer.picture("desktop-plan-with-shapes")
    written = buyer.page.evaluate("window.written")
    assert "Entrance" in written
    assert "[object Object]" not in written
    red, green, blue = buyer.page.evaluate(COLOR_AT, [70, 70])
    assert green > max(red, blue) + 50
    red, green, blue = buyer.page.evaluate(COLOR_AT, [20, 150])
    assert blue > max(red, green) + 50
    # Turned by a quarter about its corner it hangs down on the left of it.
    red, green, blue = buyer.page.evaluate(COLOR_AT, [0, 350])
    assert red > max(green, blue) + 50


def test_a_buyer_sees_the_labels_of_public_types_and_no_other(
    operator: Operator, visit: Open
) -> None:
    types = {
        "child": {"label": "Under 12"},
        "full": {"label": "Full price"},
        "free": {"label": "Free of charge", "access": "staff"},
    }
    prices = {"1": {"child": "10.00", "full": "20.00", "free": "0.00"}, "2": {"full": "40.00"}}
    stalls = hall(section("P", 0, "Parterre"))
    sale = {"ticketTypes": types, "defaultTicketType": "full", "prices": prices}
    event = operator.event(stalls, **sale)
    buyer = visit().open(event)
    buyer.find("#best").click()
    buyer.expect_tickets("2 tickets")
    expect(buyer.find("#total")).to_have_text("€40.00")
    choice = buyer.find("#lines select").first
    expect(choice.locator("option")).to_have_text(["Full price · €20", "Under 12 · €10"])
    choice.select_option("child")
    expect(buyer.find("#total")).to_have_text("€30.00")
    assert "Free of charge" not in buyer.page.content()
    # Another price on the way: what all are told has no type of staff in it.
    operator.ask("PATCH", f"/events/{event}", {"prices": {"1": {"full": "25.00", "free": "0.00"}}})
    buyer.find("#lines button").last.click()
    buyer.expect_tickets("1 ticket")
    assert "Free of charge" not in buyer.page.content()
    buyer.page.goto(f"{operator.url}/")
    shown = buyer.find(f'#events li:has(a[href*="{event}"]) .from')
    expect(shown).to_be_visible()
    expect(shown).not_to_contain_text("€0")
