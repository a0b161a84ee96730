"""What a measurement says: a row of the report.

A ratio is always "how many times better than the reference", so above 1 is ahead whatever is
measured: requests a second are divided by the reference's, times and bytes divide the reference's.
Each is taken pairwise within one round; machines and their noise change, pairs less so.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

RATIO_UNIT = "x"


class Bound(StrEnum):
    at_least = "≥"
    above = ">"
    at_most = "≤"
    below = "<"


_HOLDS: dict[Bound, Callable[[float, float], bool]] = {
    Bound.at_least: operator.ge,
    Bound.above: operator.gt,
    Bound.at_most: operator.le,
    Bound.below: operator.lt,
}


class Judged(StrEnum):
    ratio = "ratio"
    measured = "measured"


class Verdict(StrEnum):
    met = "met"
    short = "short"
    no_goal = "-"
    invalid = "invalid"


@dataclass(frozen=True)
class Samples:
    """Values of one kind, one a round. At least one."""

    values: tuple[float, ...]
    unit: str

    def __post_init__(self) -> None:
        assert self.values, "samples without a value"

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Goal:
    """A bound on the median of the ratio, or of what was measured."""

    bound: Bound
    value: float
    of: Judged

    def holds(self, value: float) -> bool:
        return _HOLDS[self.bound](value, self.value)


@dataclass(frozen=True)
class Row:
    """One line of the report; `invalid` says why its figures must not be believed."""

    topic: str
    what: str
    against: str = ""
    measured: Samples | None = None
    reference: Samples | None = None
    ratio: Samples | None = None
    goal: Goal | None = None
    invalid: str = ""

    @property
    def judged(self) -> Samples | None:
        """The samples that the goal is about."""
        if self.goal is None:
            return None
        return self.ratio if self.goal.of is Judged.ratio else self.measured

    @property
    def verdict(self) -> Verdict:
        if self.invalid:
            return Verdict.invalid
        if self.goal is None:
            return Verdict.no_goal
        judged = self.judged
        assert judged is not None, f"{self.what}: a goal without samples"
        return Verdict.met if self.goal.holds(judged.median) else Verdict.short

    @property
    def close(self) -> bool:
        """Whether the spread crosses the goal, so that another run may say otherwise."""
        if self.goal is None or self.judged is None or self.invalid:
            return False
        return self.goal.holds(self.judged.low) != self.goal.holds(self.judged.high)


def more_is_better(ours: Sequence[float], reference: Sequence[float]) -> Samples:
    """The ratio, round by round, of rates."""
    return Samples(tuple(a / b for a, b in zip(ours, reference, strict=True)), RATIO_UNIT)


def less_is_better(ours: Sequence[float], reference: Sequence[float]) -> Samples:
    """The ratio, round by round, of times or bytes."""
    return more_is_better(reference, ours)
