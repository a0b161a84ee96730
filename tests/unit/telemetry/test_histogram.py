"""Our histogram against that of `prometheus_client`, and read while it is filled."""

import sys
from collections.abc import Callable
from math import inf, nextafter
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Sample

from event_seating.telemetry import histogram
from event_seating.telemetry.histogram import HistogramSource
from event_seating.telemetry.metrics import REQUEST_BUCKETS_S

AT_MS = 1_702_049_445_123
LABELS = ("method", "route", "status")


class Clock:
    def now_ms(self) -> int:
        return AT_MS

    def monotonic(self) -> float:
        return 0.0


def ours(labels: tuple[str, ...] = LABELS) -> tuple[CollectorRegistry, HistogramSource]:
    registry = CollectorRegistry()
    source = HistogramSource(
        "seconds", "Time of a \\ thing.", labels=labels, bounds=REQUEST_BUCKETS_S, clock=Clock()
    )
    registry.register(source)
    return registry, source


def theirs(
    monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...] = LABELS
) -> tuple[CollectorRegistry, Histogram]:
    monkeypatch.setattr("prometheus_client.metrics.time.time", lambda: AT_MS / 1000)
    registry = CollectorRegistry()
    return registry, Histogram(
        "seconds", "Time of a \\ thing.", labels, buckets=REQUEST_BUCKETS_S, registry=registry
    )


def both_formats(registry: CollectorRegistry) -> tuple[bytes, bytes]:
    return generate_latest(registry), openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]


AT_BOUNDS = [
    value
    for bound in REQUEST_BUCKETS_S
    for value in (nextafter(bound, 0), bound, nextafter(bound, inf))
]
VALUES = st.one_of(st.sampled_from(AT_BOUNDS), st.floats(0, 20))
SERIES = st.sampled_from([("GET", "/users/{id}", "200"), ("other", 'a"b\\c\nd', "404")])


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.tuples(SERIES, VALUES), max_size=30))
def test_a_scrape_is_byte_for_byte_that_of_prometheus_own(
    observed: list[tuple[tuple[str, str, str], float]],
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        our_registry, source = ours()
        their_registry, reference = theirs(monkeypatch)
        for labels, value in observed:
            source.series(*labels).observe(value)
            reference.labels(*labels).observe(value)
        assert both_formats(our_registry) == both_formats(their_registry)


def test_a_histogram_without_labels_is_there_before_anything_is_observed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    our_registry, source = ours(())
    series = source.series()
    their_registry, reference = theirs(monkeypatch, ())
    assert both_formats(our_registry) == both_formats(their_registry)
    assert b"seconds_created 1.702049445123e+09" in both_formats(our_registry)[0]
    series.observe(0.2)
    reference.observe(0.2)
    assert both_formats(our_registry) == both_formats(their_registry)


def test_a_series_is_made_once() -> None:
    _, source = ours()
    assert source.series("GET", "/", "200") is source.series("GET", "/", "200")


def scrape_interrupted(
    registry: CollectorRegistry, interrupt: Callable[[], None], at: int
) -> tuple[list[Sample], int]:
    """The samples of a scrape in which this happens at one of the interpreter's steps, from 0 on,
    and how many steps the scrape has.
    """
    steps = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Callable[..., Any] | None:
        nonlocal steps
        if frame.f_globals is not vars(histogram):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if steps == at:
                interrupt()
            steps += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        families = list(registry.collect())
    finally:
        sys.settrace(before)
    return [sample for family in families for sample in family.samples], steps


def test_no_bucket_is_above_the_count_wherever_the_loop_observes_during_a_scrape() -> None:
    at, steps = 0, 1
    while at < steps:
        registry, source = ours(("route",))
        routes = ["/", "/users/{id}"]
        for route in routes:
            source.series(route).observe(20.0)

        def interrupt(source: HistogramSource = source) -> None:
            for route in ("/", "/users/{id}", "/new"):
                source.series(route).observe(0.0001)
                source.series(route).observe(0.02)

        samples, steps = scrape_interrupted(registry, interrupt, at)
        for route in routes:
            of_route = [sample for sample in samples if sample.labels["route"] == route]
            totals = [sample.value for sample in of_route if sample.name == "seconds_bucket"]
            [count] = [sample.value for sample in of_route if sample.name == "seconds_count"]
            assert totals == sorted(totals)
            assert totals[-1] == count
            assert count in (1, 3)
        at += 1
    assert steps > 50
