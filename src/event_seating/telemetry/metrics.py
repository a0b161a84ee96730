"""The metrics of the process, by Prometheus' conventions, in a registry of their own.

Owns every metric's name, meaning and labels; `docs/logs-and-metrics.md` lists them and a test keeps
the two equal. Built once by `composition`. What another part counts itself (cache, limiter, log) is
read from there when Prometheus asks, and costs nothing in between. The values of labels are bounded
here, whatever a client sends: each combination is a time series that stays for ever.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from event_seating.clock import MS_PER_S, Clock, SystemClock
from event_seating.telemetry import holding_metrics
from event_seating.telemetry.histogram import HistogramSeries, HistogramSource
from event_seating.telemetry.stats import (
    CacheStats,
    ConnectionStats,
    LimiterStats,
    LiveStats,
    RedisStats,
    SeatStats,
)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD: Final = "other"
UNMATCHED_ROUTE: Final = "unmatched"

REQUEST_SERIES_MAX: Final = 2_000
"""Combinations of method, route and status: a hundred routes with twenty each. Further ones are
counted as `other` and `unmatched`, so that a mistake in the caller cannot fill the memory."""

REQUEST_BUCKETS_S: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""A cached read falls into the first bucket; the alert's 500 ms and the drain's 10 s are bounds."""

READ_BUCKETS_S: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.05,
    0.1,
    0.5,
    1.0,
    5.0,
)
"""A read by primary key takes some 100 µs on SQLite; 5 s is the statement timeout."""

BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Entries in a row of the seat log: 1 without contention, at most 512."""

LAG_INTERVAL_S: Final = 0.5
LAG_WINDOW: Final = 60
"""The maximum of the last 60 measurements, half a minute: a scrape every 15 or 30 s misses no
stall."""

OPENMETRICS: Final = "application/openmetrics-text"


class Metrics:
    """Every metric of one process. Render it from any thread, count on the event loop.

    `in_progress` is a plain number that the edge increments and decrements; `rate_limited` counts
    each 429, `database_read_duration` observes seconds.
    """

    def __init__(self, *, version: str, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self.registry = CollectorRegistry()
        self.in_progress = 0
        self._requests = HistogramSource(
            "http_request_duration_seconds",
            "Time from the request's head to the end of its answer.",
            labels=("method", "route", "status"),
            bounds=REQUEST_BUCKETS_S,
            clock=clock,
        )
        self.registry.register(self._requests)
        self._request_series: dict[tuple[str, str, int], HistogramSeries] = {}
        self.rate_limited = Counter(
            "rate_limited_total", "Requests refused with 429.", registry=self.registry
        )
        reads = HistogramSource(
            "database_read_duration_seconds",
            "Time of one read of the database.",
            bounds=READ_BUCKETS_S,
            clock=clock,
        )
        self.registry.register(reads)
        self.database_read_duration = reads.series()
        self.event_loop_lag = Gauge(
            "event_loop_lag_seconds",
            "Longest time in the last half minute that the event loop was late.",
            registry=self.registry,
        )
        Info("build", "The version that runs.", registry=self.registry).info({"version": version})
        self.attach(lambda: [_gauge("http_requests_in_progress", self.in_progress)])
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one finished request; `route` is its template, or `UNMATCHED_ROUTE`."""
        series = self._request_series.get((method, route, status))
        if series is None:
            series = self.request_series(method, route, status)
        series.observe(seconds)

    def request_series(self, method: str, route: str, status: int) -> HistogramSeries:
        """Where the requests with these labels are counted; a caller may keep it.

        The labels are bounded: an unknown method is `other`, and beyond `REQUEST_SERIES_MAX` all
        share a series for each status.
        """
        if method not in METHODS:
            method = OTHER_METHOD
        key = (method, route, status)
        if key not in self._request_series and len(self._request_series) >= REQUEST_SERIES_MAX:
            method, route = OTHER_METHOD, UNMATCHED_ROUTE
            key = (method, route, status)
        series = self._requests.series(method, route, str(status))
        self._request_series[key] = series
        return series

    def attach_cache(self, stats: Callable[[], CacheStats], coalesced: Callable[[], int]) -> None:
        """Read the numbers of the cache and of its single-flight."""
        self.attach(lambda: _cache_metrics(stats(), coalesced()))

    def attach_database(self, wal_bytes: Callable[[], int]) -> None:
        """Read how long SQLite's write-ahead log is."""
        self.attach(lambda: [_gauge("database_wal_bytes", wal_bytes())])

    def attach_limiters(self, limiters: Mapping[str, LimiterStats]) -> None:
        """Read how many clients the limiters remember, and how many they had to forget."""
        self.attach(lambda: _limiter_metrics(limiters))

    def attach_wrong_keys(self, count: Callable[[], int]) -> None:
        """Read how many requests came with a wrong key."""
        self.attach(lambda: [_counter("wrong_keys_total", count())])

    def attach_seats(
        self,
        stats: SeatStats,
        events_loaded: Callable[[], int],
        clock_offset_s: Callable[[], float],
    ) -> None:
        """Read what the writers of seats counted, the events in memory, and the clock's offset."""
        self.attach(
            lambda: [
                *_seat_metrics(stats),
                _gauge("seat_events_loaded", events_loaded()),
                _gauge("clock_offset_seconds", clock_offset_s()),
            ]
        )

    def attach_holdings(self, stats: holding_metrics.HoldingStats) -> None:
        """Read what is held and sold."""
        self.attach(lambda: holding_metrics.families(stats))

    def attach_size(self, database_bytes: Callable[[], int | None]) -> None:
        """Read the size of the database, while it is known."""

        def read() -> Iterable[Metric]:
            found = database_bytes()
            return [] if found is None else [_gauge("database_bytes", found)]

        self.attach(read)

    def attach_log_budget(self, refused: Callable[[], int]) -> None:
        """Read how many requests found the log budget of their address spent."""
        self.attach(lambda: [_counter("log_budget_refused_total", refused())])

    def attach_redis(self, stats: Callable[[], RedisStats]) -> None:
        """Read whether Redis can be used, and what was counted about it."""
        self.attach(lambda: _redis_metrics(stats()))

    def attach_live(
        self,
        stats: LiveStats,
        subscribers: Callable[[], int],
        events: Callable[[], int],
        refused: Callable[[], int],
    ) -> None:
        """Read how many clients watch, and what live updates counted."""
        self.attach(
            lambda: [
                _gauge("live_subscribers", subscribers()),
                _gauge("live_events_watched", events()),
                _counter("live_frames_total", stats.frames),
                _counter("live_subscribers_dropped_total", stats.dropped),
                _counter("live_subscribers_refused_total", refused()),
                _counter("live_fallbacks_total", stats.fallbacks),
            ]
        )

    def attach_connections(self, stats: ConnectionStats) -> None:
        """Read how many connections there are, and how many were ended, and why."""
        self.attach(
            lambda: [
                _gauge("http_connections", len(stats.open)),
                _by("reason", "http_connections_ended_total", stats.ended),
            ]
        )

    def attach_logs(self, dropped: Callable[[], int]) -> None:
        """Read how many log lines were lost."""
        self.attach(lambda: [_counter("log_lines_dropped_total", dropped())])

    def render(self, accept: str) -> tuple[bytes, str]:
        """The body and its content type: OpenMetrics if `accept` names it, otherwise plain text."""
        if OPENMETRICS in accept:
            body: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

    def attach(self, read: Callable[[], Iterable[Metric]]) -> None:
        """Read these metrics from elsewhere whenever the page is asked for."""
        self.registry.register(_Source(read))


class _Source(Collector):
    """Metrics that are read from other parts when they are scraped."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._read()


_HELP: Final = {
    "http_requests_in_progress": "Requests that are being answered.",
    "http_connections": "Connections of clients, including WebSockets, at the last check.",
    "http_connections_ended_total": "Connections that were closed by a limit, by reason.",
    "cache_hits_total": "Lookups that found an entry.",
    "cache_misses_total": "Lookups that found no entry, or an expired one.",
    "cache_evictions_total": "Entries that made room for others.",
    "cache_expirations_total": "Entries that expired.",
    "cache_coalesced_total": "Misses that joined a read under way.",
    "cache_size": "Entries in the cache.",
    "cache_capacity": "Most entries that the cache can hold.",
    "cache_lookup_seconds_average": "Mean time of the last 100 lookups, without the database.",
    "database_wal_bytes": "Size of SQLite's write-ahead log; 0 on PostgreSQL.",
    "limiter_clients": "Clients that a rate limiter remembers.",
    "limiter_forgotten_total": "Clients forgotten for lack of room while limited.",
    "wrong_keys_total": "Requests and handshakes with an unknown API key.",
    "seat_holds_total": "Requests for holds, by outcome.",
    "seat_bookings_total": "Requests for bookings, by outcome.",
    "seat_log_conflicts_total": "Rows of the seat log that lost a race with another process.",
    "seat_log_batch_size": "Entries in a row of the seat log.",
    "seat_log_bytes_total": "Bytes of entries written to the seat log.",
    "database_bytes": "Size of the database on disk.",
    "seat_events_loaded": "Events whose seats are in memory.",
    "log_budget_refused_total": "Requests refused because their address used up its log budget.",
    "clock_offset_seconds": "How far the database's clock is ahead of this machine's.",
    "redis_up": "1 while Redis can be used, 0 while jobs wait for it.",
    "redis_restarts_total": "Times that Redis was restarted or replaced.",
    "signals_dropped_total": "Messages to other processes that could not be sent.",
    "live_subscribers": "WebSockets and long polls waiting for live updates.",
    "live_events_watched": "Events that are watched, or were within the last minute.",
    "live_frames_total": "Frames of live updates, one for each watcher.",
    "live_subscribers_dropped_total": "Watchers disconnected because they read too slowly.",
    "live_subscribers_refused_total": "Watchers refused because too many watched.",
    "live_fallbacks_total": "Pages that poll because their WebSocket did not open.",
    "log_lines_dropped_total": "Log lines lost because the queue was full or an output failed.",
}


def _gauge(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, _HELP[name], value=value)


def _counter(name: str, value: float) -> Metric:
    return CounterMetricFamily(name, _HELP[name], value=value)


def _by(label: str, name: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, _HELP[name], labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _limiter_metrics(limiters: Mapping[str, LimiterStats]) -> list[Metric]:
    clients = GaugeMetricFamily("limiter_clients", _HELP["limiter_clients"], labels=("limit",))
    forgotten = CounterMetricFamily(
        "limiter_forgotten_total", _HELP["limiter_forgotten_total"], labels=("limit",)
    )
    for name, limiter in limiters.items():
        clients.add_metric((name,), len(limiter))
        forgotten.add_metric((name,), limiter.forgotten)
    return [clients, forgotten]


def _batch_sizes(name: str, sizes: Mapping[int, int]) -> Metric:
    buckets = [
        (f"{most:.1f}", sum(rows for size, rows in sizes.items() if size <= most))
        for most in BATCH_BUCKETS
    ]
    family = HistogramMetricFamily(name, _HELP[name])
    family.add_metric(
        (),
        [*buckets, ("+Inf", sum(sizes.values()))],
        sum(size * rows for size, rows in sizes.items()),
    )
    return family


def _seat_metrics(stats: SeatStats) -> list[Metric]:
    return [
        _by("outcome", "seat_holds_total", stats.holds),
        _by("outcome", "seat_bookings_total", stats.bookings),
        _counter("seat_log_conflicts_total", stats.conflicts),
        _batch_sizes("seat_log_batch_size", stats.batch_sizes),
        _counter("seat_log_bytes_total", stats.log_bytes),
    ]


def _redis_metrics(stats: RedisStats) -> list[Metric]:
    return [
        _gauge("redis_up", stats.problem is None),
        _counter("redis_restarts_total", stats.restarts),
        _counter("signals_dropped_total", stats.dropped),
    ]


def _cache_metrics(stats: CacheStats, coalesced: int) -> list[Metric]:
    return [
        _counter("cache_hits_total", stats.hits),
        _counter("cache_misses_total", stats.misses),
        _counter("cache_evictions_total", stats.evictions),
        _counter("cache_expirations_total", stats.expirations),
        _counter("cache_coalesced_total", coalesced),
        _gauge("cache_size", stats.size),
        _gauge("cache_capacity", stats.capacity),
        _gauge("cache_lookup_seconds_average", stats.average_lookup_ms / MS_PER_S),
    ]


async def watch_event_loop(
    metrics: Metrics,
    clock: Clock,
    *,
    interval_s: float = LAG_INTERVAL_S,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep measuring how late the event loop wakes a sleeper, until cancelled."""
    lags: deque[float] = deque(maxlen=LAG_WINDOW)
    while True:
        before = clock.monotonic()
        await sleep(interval_s)
        lags.append(max(0.0, clock.monotonic() - before - interval_s))
        metrics.event_loop_lag.set(max(lags))
