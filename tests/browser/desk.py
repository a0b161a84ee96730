"""One operator's browser at the box office."""

from typing import Final

from playwright.sync_api import expect

from tests.browser.people import Visit

LOOK_OF: Final = """async (id) => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const page = await shown;
  return page.view.renderer.lookOf(page.model.number(id));
}"""


class Desk(Visit):
    """An operator who looks at the box office's page."""

    def go(self, event: str) -> None:
        self.page.goto(f"{self.operator.url}/box-office?event={event}")

    def expect_open(self) -> "Desk":
        """Wait until an event's map is there."""
        expect(self.page.locator("body")).to_have_attribute("data-view", "event")
        expect(self.find("#loading")).to_be_hidden()
        return self

    def look(self, seat: str) -> int:
        return int(self.page.evaluate(LOOK_OF, seat))

    def expect_look(self, seat: str, look: int) -> None:
        self.page.wait_for_function(
            f"(seat) => ({LOOK_OF})(seat).then((look) => look === {look})", arg=seat
        )

    def tab(self, name: str) -> None:
        """Open the tab with this name."""
        self.find(f"#tab-button-{name}").click()

    def press_seat(self, seat: str) -> None:
        """Press a seat, near enough to be one."""
        self.near(seat)
        self.click_seat(seat)

    def near(self, seat: str) -> None:
        """Come so near to a seat that it can be pressed."""
        self.page.evaluate(
            """async (id) => {
              const { shown } = await import(document.querySelector("script[type=module]").src);
              const { model, view } = await shown;
              view.show(model.number(id));
            }""",
            seat,
        )
        self.rest()

    def drag_frame(self, *corners: str) -> None:
        """Drag a frame around these seats."""
        places = [self.place(seat) for seat in corners]
        reach = 0.45 * places[0]["pitch"]
        mouse = self.page.mouse
        left, right = (edge(place["x"] for place in places) for edge in (min, max))
        top, bottom = (edge(place["y"] for place in places) for edge in (min, max))
        mouse.move(left - reach, top - reach)
        mouse.down()
        mouse.move(left + reach, top + reach)
        mouse.move(right + reach, bottom + reach)
        mouse.up()

    def count(self, name: str) -> str:
        """A counter, as it reads."""
        return self.find(f"#count-{name}").inner_text()

    def expect_count(self, name: str, text: str) -> None:
        expect(self.find(f"#count-{name}")).to_have_text(text)
