"""The seat map page in a real Chromium whose CPU is slowed four times: how long until the first
picture, and how many frames a second there are while somebody pans and zooms.

Each frame there is a key or a turn of the wheel, so each frame draws the map at another place; the
browser draws without a graphics card, so that is all work of the CPU. Beside the frames stands what
the same browser, as slow, does with an empty page; beside the first picture, the same page without
a map.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser import chromium

from benchmarks import contenders
from benchmarks.rows import Bound, Goal, Judged, Row, less_is_better, more_is_better
from benchmarks.servers import Server
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.venues.arenas import arena

TOPIC = "page"

SLOWED = 4
"""A phone of the middle class beside a developer's machine."""

SIZES = (16_070, 50_000)
"""A large arena, and a stadium."""

VIEW = {"width": 1280, "height": 800}
WHEEL_PX = 120
WHEELS = 12
"""Turns from all of the map to single seats."""

FRAMES_GOAL = Goal(Bound.at_least, 30, Judged.measured)
FIRST_PICTURE_GOAL = Goal(Bound.below, 2, Judged.measured)

DRIVE = """async ({ wheels, pans }) => {
  const target = document.querySelector("canvas") ?? document.body;
  const [clientX, clientY] = [450, 420];
  const wheel = (deltaY) => target.dispatchEvent(
    new WheelEvent("wheel", { deltaY, clientX, clientY, cancelable: true, bubbles: true }));
  const press = (key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const start = await frame();
  let frames = 0;
  let now = start;
  for (const deltaY of wheels) {
    for (let pan = 0; pan < pans; pan += 1) {
      press(pan < pans / 2 ? "ArrowLeft" : "ArrowRight");
      now = await frame();
      frames += 1;
    }
    wheel(deltaY);
    now = await frame();
    frames += 1;
  }
  return (1000 * frames) / (now - start);
}"""

FIRST_PICTURE_S = """() => performance.getEntriesByName("first-picture")[0]?.startTime / 1000"""
"""Not a number until it is there."""

NOW_S = "() => performance.now() / 1000"


@dataclass
class Figures:
    """Of one size of hall, a value a round."""

    first_picture_s: list[float] = field(default_factory=list)
    zooming: list[float] = field(default_factory=list)
    panning: list[float] = field(default_factory=list)


def measure(run: Run) -> Iterator[Row | Profile]:
    contender = contenders.limited(RATE_LIMITS="off", SEATING_RATE_LIMITS="off")
    without_map_s: list[float] = []
    empty: list[float] = []
    figures = {size: Figures() for size in SIZES}
    with Server(contender, run.directory) as server, sync_playwright() as playwright:
        url = server.url("")
        events = {size: _event(url, size) for size in SIZES}
        browser = chromium.launch(playwright)
        for number in range(run.rounds):
            run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
            _measure_others(browser, url, without_map_s, empty)
            for size, event in events.items():
                _measure_event(browser, f"{url}/?event={event}", figures[size])
        browser.close()
    for size, found in figures.items():
        yield Row(
            topic=TOPIC,
            what=f"{size:,} seats: first picture",
            against="the page without a map",
            measured=samples(found.first_picture_s, "s"),
            reference=samples(without_map_s, "s"),
            ratio=less_is_better(found.first_picture_s, without_map_s),
            goal=FIRST_PICTURE_GOAL,
        )
        for what, values in (("zooming", found.zooming), ("panning", found.panning)):
            yield Row(
                topic=TOPIC,
                what=f"{size:,} seats: {what}",
                against="an empty page",
                measured=samples(values, "frames/s"),
                reference=samples(empty, "frames/s"),
                ratio=more_is_better(values, empty),
                goal=FRAMES_GOAL,
            )


def _event(url: str, seats: int) -> str:
    """A new event in a new arena."""
    with httpx.Client(base_url=url, timeout=60) as client:
        client.put(f"/venues/bench-{seats}", json=arena(seats)).raise_for_status()
        body = {
            "venueId": f"bench-{seats}",
            "name": f"{seats:,} seats",
            "startsAt": "2096-05-04T18:00:00Z",
        }
        return str(client.post("/events", json=body).raise_for_status().json()["id"])


def _slowed(browser: Browser) -> Page:
    page = browser.new_context(viewport=VIEW).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    return page


def _measure_others(
    browser: Browser, url: str, without_map_s: list[float], empty: list[float]
) -> None:
    page = _slowed(browser)
    page.goto(url)
    page.wait_for_selector("#events li")
    without_map_s.append(page.evaluate(NOW_S))
    page.goto("about:blank")
    empty.append(_frames_a_second(page, _PANNING))
    page.context.close()


def _measure_event(browser: Browser, address: str, found: Figures) -> None:
    page = _slowed(browser)
    page.goto(address)
    picture = page.wait_for_function(FIRST_PICTURE_S)
    found.first_picture_s.append(picture.json_value())
    found.zooming.append(_frames_a_second(page, _ZOOMING))
    found.panning.append(_frames_a_second(page, _PANNING))
    page.context.close()


def _frames_a_second(page: Page, way: dict[str, object]) -> float:
    return float(page.evaluate(DRIVE, way))


_IN_AND_OUT = [-WHEEL_PX] * WHEELS + [WHEEL_PX] * WHEELS
_ZOOMING: dict[str, object] = {"wheels": _IN_AND_OUT, "pans": 0}
_PANNING: dict[str, object] = {"wheels": _IN_AND_OUT[::2], "pans": 12}
