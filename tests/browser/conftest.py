"""A browser and a server for all of these tests, and visits that end with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import chromium
from tests.browser.desk import Desk
from tests.browser.people import Operator, Visit, drained
from tests.support.process import settings

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
SIZES = {"desktop": DESKTOP, "phone": PHONE}

PATIENCE_MS = 15_000
"""For what the page shows by itself, on a machine that has other things to do."""

INSTALLING_S = 900
"""A test's time when a browser has to be fetched for it first."""

Open = Callable[..., Visit]
OpenDesk = Callable[..., Desk]
Kind = TypeVar("Kind", bound=Visit)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(INSTALLING_S))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # The package and not the session: while it lives no other event loop may run in this thread.
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = chromium.launch(playwright)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with drained(settings(tmp_path_factory.mktemp("page"), SEATING_RATE_LIMITS="off")) as server:
        yield server.url


@pytest.fixture
def operator(server_url: str) -> Iterator[Operator]:
    operator = Operator(server_url)
    yield operator
    operator.close()


@pytest.fixture
def visit(browser: Browser, operator: Operator) -> Iterator[Open]:
    """Open a browser of a size on a server; each is closed when the test ends, without a fault."""
    yield from _opened(browser, operator, Visit)


@pytest.fixture
def desk(browser: Browser, operator: Operator) -> Iterator[OpenDesk]:
    """As `visit`, at the box office."""
    yield from _opened(browser, operator, Desk)


def _opened(
    browser: Browser, operator: Operator, kind: type[Kind]
) -> Iterator[Callable[..., Kind]]:
    visits: list[Kind] = []

    def open_(size: str = "desktop", at: Operator = operator, **options: Any) -> Kind:
        context = browser.new_context(locale="en-GB", **SIZES[size], **options)
        context.set_default_timeout(PATIENCE_MS)
        visits.append(kind(context, at))
        return visits[-1]

    yield open_
    for each in visits:
        each.context.close()
    assert [fault for each in visits for fault in each.faults] == []
