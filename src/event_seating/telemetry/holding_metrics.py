"""Metrics of held and sold seats, and of the largest holder: whether seats are hoarded."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client.metrics_core import GaugeMetricFamily, Metric


class HoldingStats(Protocol):
    """What is held and sold of the events in memory."""

    def seat_counts(self) -> Mapping[str, int]: ...
    def most_held(self) -> int: ...


def families(stats: HoldingStats) -> Iterable[Metric]:
    seats = GaugeMetricFamily(
        "seats", "Seats and places of the events in memory, by status.", labels=("status",)
    )
    for status, count in stats.seat_counts().items():
        seats.add_metric((status,), count)
    yield seats
    yield GaugeMetricFamily(
        "seats_held_by_one_max",
        "The most seats that one buyer, address or network holds in an event.",
        value=stats.most_held(),
    )
