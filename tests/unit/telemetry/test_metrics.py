import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from event_seating.operations import job_metrics
from event_seating.telemetry.metrics import REQUEST_SERIES_MAX, Metrics, watch_event_loop

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


@dataclass
class Stats:
    hits: int = 8
    misses: int = 2
    size: int = 3
    capacity: int = 1000
    evictions: int = 4
    expirations: int = 5
    average_lookup_ms: float = 0.5


@dataclass
class Live:
    frames: int = 11
    dropped: int = 1
    fallbacks: int = 4


@dataclass
class Redis:
    problem: str | None = None
    restarts: int = 2
    dropped: int = 1


class Seats:
    """What the writers counted."""

    def __init__(self) -> None:
        self.holds = {"granted": 3, "sold_out": 1}
        self.bookings = {"granted": 2}
        self.conflicts = 4
        self.batch_sizes = {1: 5, 300: 1, 600: 1}
        self.log_bytes = 12_345


class Holding:
    """What is held and sold."""

    def seat_counts(self) -> dict[str, int]:
        return {"available": 7, "held": 5, "booked": 3, "blocked": 1}

    def most_held(self) -> int:
        return 4


@dataclass
class Counted:
    queue: str = "notifications"
    name: str = "user-welcome"
    outcome: str = "done"
    number: int = 3
    sum_s: float = 0.5
    buckets: Mapping[float, int] = field(default_factory=lambda: {0.1: 2, 1.0: 3})


class KnownClients:
    forgotten = 13

    def __len__(self) -> int:
        return 7


class Jobs:
    """What is known of jobs."""

    def __init__(self) -> None:
        self.oldest_s = 1.5
        self.states = {("notifications", "waiting"): 4}
        self.attempts = [Counted()]
        self.durations = [Counted()]


class Connections:
    """What is known of connections."""

    open = (1, 2, 3)
    ended: Mapping[str, int] = {"head": 4}


@pytest.fixture
def metrics() -> Metrics:
    built = Metrics(version="1.2.3")
    built.attach_cache(Stats, lambda: 6)
    built.attach_limiters({"account": KnownClients()})
    built.attach_wrong_keys(lambda: 12)
    built.attach_logs(lambda: 9)
    built.attach_connections(Connections())
    built.attach_database(lambda: 0)
    built.attach_redis(Redis)
    built.attach(lambda: job_metrics.families(Jobs()))
    built.attach_seats(Seats(), lambda: 2, lambda: -0.5)
    built.attach_holdings(Holding())
    built.attach_live(Live(), lambda: 12, lambda: 2, lambda: 3)
    built.attach_size(lambda: 4096)
    built.attach_log_budget(lambda: 3)
    return built


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def documented_names(metrics: Metrics) -> set[str]:
    """As Prometheus shows them: counters end in `_total`, the version in `_info`."""
    ends = {"counter": "_total", "info": "_info"}
    return {family.name + ends.get(family.type, "") for family in metrics.registry.collect()}


def test_a_request_is_counted_under_its_labels(metrics: Metrics) -> None:
    metrics.observe_request("GET", "/users/{id}", 200, 0.02)
    metrics.observe_request("GET", "/users/{id}", 200, 0.04)
    labels = {"method": "GET", "route": "/users/{id}", "status": "200"}
    assert value(metrics, "http_request_duration_seconds_count", **labels) == 2
    assert value(metrics, "http_request_duration_seconds_sum", **labels) == pytest.approx(0.06)
    assert value(metrics, "http_request_duration_seconds_bucket", le="0.025", **labels) == 1


def test_a_series_that_a_caller_keeps_is_the_one_that_is_shown(metrics: Metrics) -> None:
    kept = metrics.request_series("GET", "/users/{id}", 200)
    kept.observe(0.02)
    metrics.observe_request("GET", "/users/{id}", 200, 0.04)
    labels = {"method": "GET", "route": "/users/{id}", "status": "200"}
    assert value(metrics, "http_request_duration_seconds_count", **labels) == 2
    assert metrics.request_series("BREW", "/x", 405) is metrics.request_series("MAKE", "/x", 405)


def test_what_clients_send_does_not_make_series_without_bound(metrics: Metrics) -> None:
    for number in range(REQUEST_SERIES_MAX + 50):
        metrics.observe_request(f"M{number}", "unmatched", 404, 0.1)
    labels = {"method": "other", "route": "unmatched", "status": "404"}
    assert value(metrics, "http_request_duration_seconds_count", **labels) == (
        REQUEST_SERIES_MAX + 50
    )
    for number in range(REQUEST_SERIES_MAX + 50):
        metrics.observe_request("GET", f"/{number}", 404, 0.1)
    body, _ = metrics.render("")
    assert body.count(b"http_request_duration_seconds_count") == REQUEST_SERIES_MAX


def test_the_parts_that_count_for_themselves_are_read_when_asked(metrics: Metrics) -> None:
    metrics.in_progress = 11
    metrics.rate_limited.inc()
    assert {
        name: value(metrics, name)
        for name in [
            "cache_hits_total",
            "cache_misses_total",
            "cache_size",
            "cache_capacity",
            "cache_evictions_total",
            "cache_expirations_total",
            "cache_coalesced_total",
            "cache_lookup_seconds_average",
            "wrong_keys_total",
            "log_lines_dropped_total",
            "http_requests_in_progress",
            "rate_limited_total",
        ]
    } == {
        "cache_hits_total": 8,
        "cache_misses_total": 2,
        "cache_size": 3,
        "cache_capacity": 1000,
        "cache_evictions_total": 4,
        "cache_expirations_total": 5,
        "cache_coalesced_total": 6,
        "cache_lookup_seconds_average": 0.0005,
        "wrong_keys_total": 12,
        "log_lines_dropped_total": 9,
        "http_requests_in_progress": 11,
        "rate_limited_total": 1,
    }
    assert value(metrics, "build_info", version="1.2.3") == 1
    assert value(metrics, "limiter_clients", limit="account") == 7
    assert value(metrics, "limiter_forgotten_total", limit="account") == 13


def test_the_writers_of_seats_are_read_when_asked(metrics: Metrics) -> None:
    assert value(metrics, "seat_holds_total", outcome="sold_out") == 1
    assert value(metrics, "seat_bookings_total", outcome="granted") == 2
    assert value(metrics, "seat_log_conflicts_total") == 4
    assert value(metrics, "seat_log_batch_size_bucket", le="256.0") == 5
    assert value(metrics, "seat_log_batch_size_bucket", le="512.0") == 6
    assert value(metrics, "seat_log_batch_size_count") == 7
    assert value(metrics, "seat_log_batch_size_sum") == 905
    assert value(metrics, "seat_log_bytes_total") == 12_345
    assert value(metrics, "database_bytes") == 4096
    assert value(metrics, "log_budget_refused_total") == 3
    assert value(metrics, "seat_events_loaded") == 2
    assert value(metrics, "clock_offset_seconds") == -0.5


def test_the_text_is_prometheus_or_openmetrics_as_asked(metrics: Metrics) -> None:
    body, content_type = metrics.render("*/*")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert list(text_string_to_metric_families(body.decode()))
    body, content_type = metrics.render("application/openmetrics-text; version=1.0.0,*/*;q=0.1")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert list(openmetrics_parser.text_string_to_metric_families(body.decode()))


async def watched(metrics: Metrics, lags: list[float]) -> None:
    """Runs the watch on a clock that is late by each of `lags` in turn."""

    class Late:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def now_ms(self) -> int:
            return 0

    clock, left = Late(), iter(lags)

    async def sleep(seconds: float) -> None:
        lag = next(left, None)
        if lag is None:
            raise asyncio.CancelledError
        clock.now += seconds + lag

    with pytest.raises(asyncio.CancelledError):
        await watch_event_loop(metrics, clock, sleep=sleep)


def test_the_lag_is_the_worst_of_late_and_forgotten_in_time(metrics: Metrics) -> None:
    asyncio.run(watched(metrics, [0.0, 0.3, 0.1]))
    assert value(metrics, "event_loop_lag_seconds") == pytest.approx(0.3)
    asyncio.run(watched(metrics, [0.3] + [0.01] * 60))
    assert value(metrics, "event_loop_lag_seconds") == pytest.approx(0.01)


def test_every_metric_is_documented_and_every_documented_one_exists(metrics: Metrics) -> None:
    page = (DOCS / "logs-and-metrics.md").read_text().split("## Metrics")[1]
    written = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    existing = documented_names(metrics)
    assert existing <= written
    assert {name for name in written - existing if not name.startswith("process_")} == set()


def metric_names(expression: str) -> set[str]:
    """The metrics in a PromQL expression."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|without)\s*\([^)]*\)", " ", expression)
    names = re.findall(r"\b[a-z][a-z0-9_:]*\b(?!\s*\()", bare)
    return set(names) - {"and", "or", "unless"}


def sample_names(metrics: Metrics) -> set[str]:
    """All of ours, and what Prometheus itself says of each that it asks."""
    metrics.observe_request("GET", "/", 200, 0.1)
    families = metrics.registry.collect()
    return {sample.name for family in families for sample in family.samples} | {"up"}


def rules() -> list[dict[str, Any]]:
    parsed = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
    return [rule for group in parsed["groups"] for rule in group["rules"]]


def test_the_rules_name_only_metrics_that_exist(metrics: Metrics) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        names = metric_names(rule["expr"])
        assert names
        assert names <= sample_names(metrics) | recorded
    assert len(recorded) == 4


def test_the_dashboard_names_only_metrics_that_exist(metrics: Metrics) -> None:
    board = json.loads((ROOT / "deploy/grafana/event-seating.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            names = metric_names(target["expr"])
            assert names
            assert {name for name in names if not name.startswith("process_")} <= sample_names(
                metrics
            )


def test_what_an_alert_looks_at_has_a_panel() -> None:
    board = json.loads((ROOT / "deploy/grafana/event-seating.json").read_text())
    shown = {
        name
        for panel in board["panels"]
        for target in panel.get("targets", [])
        for name in metric_names(target["expr"])
    }
    recorded = {rule["record"]: metric_names(rule["expr"]) for rule in rules() if "record" in rule}
    for rule in rules():
        for name in metric_names(rule["expr"]):
            missing = recorded.get(name, {name}) - shown
            assert not missing, f"{rule.get('alert', rule.get('record'))} looks at {missing}"


def test_every_alert_has_its_paragraph_in_the_runbook() -> None:
    headings = re.findall(r"^## (.+)$", (DOCS / "runbook.md").read_text(), re.MULTILINE)
    alerts = [rule for rule in rules() if "alert" in rule]
    assert [rule["alert"] for rule in alerts] == headings
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_a_size_that_is_not_known_is_left_out() -> None:
    built = Metrics(version="1.2.3")
    built.attach_size(lambda: None)
    assert b"database_bytes" not in built.render("")[0]
