"""Histograms that the event loop fills and a scrape reads, without a lock between them.

Owns counting by bucket, and how the counts look to `prometheus_client`. Its own histogram takes a
lock for the sum and another for the bucket, and looks for the bucket from the first on; here a
value costs a binary search and two additions. That is safe because one thread alone counts, and
because a scrape copies the counts of a series in one step of the interpreter and adds up that copy:
its `+Inf` bucket and its `_count` are sums of the same numbers, so no bucket is ever above the
count. A sum may be a value ahead of or behind the count, which no rate over a scrape's interval
notices.

It does not bound how many series there are; whoever makes them does.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from event_seating.clock import MS_PER_S, Clock


class HistogramSeries:
    """The counts of one combination of labels. Observe on one thread only."""

    __slots__ = ("_bounds", "_counts", "_created_s", "_sum")

    def __init__(self, bounds: Sequence[float], created_s: float) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._created_s = created_s

    def observe(self, value: float) -> None:
        """Count one value; one that equals a bound belongs to that bound's bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_to(self, family: HistogramMetricFamily, labels: dict[str, str]) -> None:
        """Add its samples, as they are now, to what a scrape shows."""
        counts = self._counts.copy()
        totals = map(float, accumulate(counts))
        bounds = map(floatToGoString, (*self._bounds, inf))
        family.add_metric(list(labels.values()), list(zip(bounds, totals, strict=True)), self._sum)
        family.add_sample(f"{family.name}_created", labels, self._created_s)


class HistogramSource(Collector):
    """All series of one histogram, for a registry of `prometheus_client`.

    `bounds` are the upper bounds of the buckets, ascending, without infinity.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        labels: Sequence[str] = (),
        bounds: Sequence[float],
        clock: Clock,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._bounds = bounds
        self._clock = clock
        self._series: dict[tuple[str, ...], HistogramSeries] = {}

    def series(self, *values: str) -> HistogramSeries:
        """The series with these values of the labels, which exists from now on."""
        found = self._series.get(values)
        if found is None:
            found = HistogramSeries(self._bounds, self._clock.now_ms() / MS_PER_S)
            self._series[values] = found
        return found

    def collect(self) -> Iterable[Metric]:
        """What a scrape shows; called from its thread."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, series in list(self._series.items()):
            series.add_to(family, dict(zip(self._labels, values, strict=True)))
        return [family]
