"""Which requests have a line of their own."""

from typing import Any

import pytest

from event_seating.web.exchange import SAMPLED_EVERY_S, SAMPLES_MAX, AccessLines, Exchange


class Lines:
    """The lines, with a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.written: list[tuple[Any, ...]] = []
        self._note = AccessLines(lambda *line: self.written.append(line), lambda: self.now)

    def note(self, route: str, status: int, times: int = 1) -> None:
        exchange = Exchange("GET", "/x", b"", [], {}, peer="192.0.2.1")
        exchange.request_id = b"id"
        exchange.route, exchange.status = route, status
        exchange.principal, exchange.address = "anonymous", "192.0.2.1"
        for _ in range(times):
            self._note(exchange, 0.001)

    @property
    def stand_for(self) -> list[tuple[str, int, int]]:
        return [(line[2], line[3], line[9]) for line in self.written]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_every_request_has_a_line_that_says_who_asked(lines: Lines) -> None:
    lines.note("/users/{id}", 200, times=3)
    assert (
        lines.written
        == [("id", "GET", "/users/{id}", 200, 0.001, "-", 0, "anonymous", "192.0.2.1", 1)] * 3
    )


def test_checks_of_health_have_one_for_all_within_ten_seconds(lines: Lines) -> None:
    lines.note("/health", 200, times=1_000)
    lines.now += SAMPLED_EVERY_S
    lines.note("/health", 200, times=2)
    lines.now += SAMPLED_EVERY_S
    lines.note("/health", 200)
    assert lines.stand_for == [("/health", 200, 1), ("/health", 200, 1_000), ("/health", 200, 2)]


def test_a_check_that_fails_is_seen_at_once(lines: Lines) -> None:
    lines.note("/health/ready", 200, times=5)
    lines.note("/health/ready", 503, times=5)
    assert lines.stand_for == [("/health/ready", 200, 1), ("/health/ready", 503, 1)]


def test_refusals_by_a_limit_are_sampled_on_each_route(lines: Lines) -> None:
    lines.note("/users/{id}", 429, times=100)
    lines.note("/cache", 429, times=100)
    assert lines.stand_for == [("/users/{id}", 429, 1), ("/cache", 429, 1)]


def test_the_kinds_that_are_remembered_have_a_bound(lines: Lines) -> None:
    for number in range(SAMPLES_MAX + 10):
        lines.note(f"/{number}", 429)
    assert len(lines.written) == SAMPLES_MAX + 10
    lines.note("/one/more", 429, times=2)
    assert len(lines.written) == SAMPLES_MAX + 12


def test_an_unmatched_path_is_written_as_far_as_it_betrays_nothing(lines: Lines) -> None:
    lines.note("unmatched", 404)
    assert lines.written[0][2] == "/x"
