"""A server with events for the page to show, and what the page shows of them.

`Operator` makes venues and events over the API; `Visit` is one person's browser on one of them. A
seat's place on the canvas comes from the page's own modules, so that a click is a click at a point
of the screen and nothing else.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from event_seating.venues.arenas import arena
from tests.support.process import ServerProcess

SEATS: Final = 1_500
STANDING: Final = 300
PICTURES: Final = Path(__file__).parent / "pictures"

SERIOUS: Final = frozenset({"serious", "critical"})

RESTING: Final = """async () => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { view } = await shown;
  while (view.camera.flight) await new Promise((done) => requestAnimationFrame(done));
}"""

PLACE: Final = """async (id) => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { model, view } = await shown;
  while (view.camera.flight) await new Promise((done) => requestAnimationFrame(done));
  const seat = model.number(id);
  const [x, y] = view.camera.toScreen(model.x[seat], model.y[seat]);
  const box = view.canvas.getBoundingClientRect();
  const pitch = model.sectionOf(seat).pitch * view.camera.scale;
  return { x: box.left + x, y: box.top + y, pitch };
}"""

MIDDLE_OF_FLOOR: Final = """async () => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { model, view } = await shown;
  const { x, y, width, height } = model.areas[0];
  const [left, top] = view.camera.toScreen(x + width / 2, y + height / 2);
  const box = view.canvas.getBoundingClientRect();
  return { x: box.left + left, y: box.top + top };
}"""

LOOK: Final = """async (id) => {
  const { shown } = await import(document.querySelector("script[type=module]").src);
  const { model, seats } = await shown;
  return seats.look(model.number(id));
}"""

FREE, DIM, HELD, BOOKED, CLOSED, MINE, PENDING = range(7)
"""How a seat is drawn, as `seats.js` numbers it."""


class Operator:
    """A running server, and what an operator does with it."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, timeout=30, headers=headers)
        self._venues = 0

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def venue(self, seat_map: Mapping[str, Any] | None = None) -> str:
        """A venue with this map, an arena unless one is given."""
        self._venues += 1
        venue_id = f"venue-{self._venues}"
        self.ask("PUT", f"/venues/{venue_id}", seat_map or arena(SEATS, standing=STANDING))
        return venue_id

    def event(self, seat_map: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """An event on sale, in a venue of its own."""
        body = {
            "venueId": self.venue(seat_map),
            "name": "Opening Night",
            "startsAt": "2096-05-04T18:00:00Z",
            "timeZone": "Europe/Berlin",
            **fields,
        }
        return str(self.ask("POST", "/events", body)["id"])

    def hold(self, event: str, *seats: str) -> str:
        """Somebody else's hold; its token."""
        return str(self.ask("POST", f"/events/{event}/holds", {"seats": seats})["holdToken"])

    def counts(self, event: str) -> dict[str, int]:
        counts: dict[str, int] = self.ask("GET", f"/events/{event}/seats?format=compact")["counts"]
        return counts

    def statuses(self, event: str) -> dict[str, str]:
        statuses: dict[str, str] = self.ask("GET", f"/events/{event}/seats")["seats"]
        return statuses


class Visit:
    """One person who looks at the page."""

    def __init__(self, context: BrowserContext, operator: Operator) -> None:
        self.context = context
        self.operator = operator
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "TypeError" in message.text:
            self.faults.append(message.text)

    def open(self, event: str) -> "Visit":
        """Go to an event and wait until its map is there."""
        self.go(event)
        expect(self.page.locator("body")).to_have_attribute("data-view", "event")
        expect(self.page.locator("#loading")).to_be_hidden()
        return self

    def go(self, event: str) -> None:
        self.page.goto(f"{self.operator.url}/?event={event}")

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def click_seat(self, seat: str) -> None:
        place = self.place(seat)
        self.page.mouse.click(place["x"], place["y"])

    def tap_seat(self, seat: str) -> None:
        place = self.place(seat)
        self.page.touchscreen.tap(place["x"], place["y"])

    def place(self, seat: str) -> dict[str, float]:
        """Where a seat is on the screen once the map rests, and how far apart seats are there."""
        place: dict[str, float] = self.page.evaluate(PLACE, seat)
        return place

    def rest(self) -> None:
        """Wait until the map no longer flies."""
        self.page.evaluate(RESTING)

    def look(self, seat: str) -> int:
        """How a seat is drawn."""
        return int(self.page.evaluate(LOOK, seat))

    def expect_look(self, seat: str, look: int) -> None:
        """Wait until a seat is drawn so."""
        self.page.wait_for_function(
            f"(seat) => ({LOOK})(seat).then((look) => look === {look})", arg=seat
        )

    def expect_tickets(self, text: str) -> None:
        expect(self.find("#basket-title")).to_have_text(text)

    def expect_settled(self) -> None:
        """Wait until the server has answered every wish."""
        expect(self.find("#go")).to_be_enabled()

    def picture(self, name: str) -> None:
        """Keep a picture of what is seen, where `PICTURES` asks for them."""
        if "PICTURES" in os.environ:
            PICTURES.mkdir(exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}.png")

    def expect_accessible(self) -> None:
        """Nothing serious is found by axe."""
        # Colours in the middle of a fade are nobody's colours.
        self.page.evaluate(
            "() => Promise.all(document.getAnimations().filter(({ effect }) =>"
            " effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished))"
        )
        found = Axe().run(self.page).response["violations"]
        serious = {
            each["id"]: [node["html"][:160] for node in each["nodes"]]
            for each in found
            if each["impact"] in SERIOUS
        }
        assert serious == {}


@contextmanager
def drained(settings: Mapping[str, str]) -> Iterator[ServerProcess]:
    """A server that is ready and whose lines are read, so that it never waits for a reader."""
    server = ServerProcess(settings)
    reader = threading.Thread(target=_read_on, args=(server,))
    try:
        server.wait_until_ready()
        reader.start()
        yield server
    finally:
        server.kill()
        if reader.is_alive():
            reader.join()


def _read_on(server: ServerProcess) -> None:
    with suppress(ValueError):  # it was ended, and its pipe closed
        for _ in server._read():
            continue
