"""Our histogram against that of `prometheus_client`, and read while it is filled."""

import sys
import threading
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

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
        their_registry, histogram = theirs(monkeypatch)
        for labels, value in observed:
            source.series(*labels).observe(value)
            histogram.labels(*labels).observe(value)
        assert both_formats(our_registry) == both_formats(their_registry)


def test_a_histogram_without_labels_is_there_before_anything_is_observed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    our_registry, source = ours(())
    series = source.series()
    their_registry, histogram = theirs(monkeypatch, ())
    assert both_formats(our_registry) == both_formats(their_registry)
    assert b"seconds_created 1.702049445123e+09" in both_formats(our_registry)[0]
    series.observe(0.2)
    histogram.observe(0.2)
    assert both_formats(our_registry) == both_formats(their_registry)


def test_a_series_is_made_once() -> None:
    _, source = ours()
    assert source.series("GET", "/", "200") is source.series("GET", "/", "200")


def test_no_bucket_is_ever_above_the_count_while_another_thread_observes() -> None:
    registry, source = ours()
    scrapes = 200
    begun, done = threading.Event(), threading.Event()

    def observe() -> None:
        number = 0
        while not done.is_set():
            source.series("GET", f"/{number % 50}", "200").observe(number % 13)
            number += 1
            begun.set()

    thread = threading.Thread(target=observe)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        assert begun.wait(10)
        for _ in range(scrapes):
            for family in registry.collect():
                highest = 0.0
                for sample in family.samples:
                    if sample.name == "seconds_bucket":
                        assert sample.value >= highest or sample.labels["le"] == "0.0005"
                        highest = sample.value
                    elif sample.name == "seconds_count":
                        assert sample.value == highest
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)
