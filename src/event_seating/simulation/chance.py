"""The source of every random choice of a simulation.

Each actor draws from its own stream, which is seeded by the run's seed and the actor's name, so
that its draws do not depend on those of the others. Only `Random.random` is used, whose sequence
for a seed Python promises to keep; the other methods may change from release to release.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from event_seating.booking.seating.ids import KEY_BYTES

Item = TypeVar("Item")


class Chance:
    """A stream of seeded choices."""

    def __init__(self, seed: int, actor: str) -> None:
        self._random = Random(f"{seed} {actor}").random  # noqa: S311 (to be repeatable)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return self._random() < probability

    def below(self, limit: int) -> int:
        """A number from 0 to `limit - 1`."""
        return int(self._random() * limit)

    def between(self, low: float, high: float) -> float:
        """A number in this range."""
        return low + (high - low) * self._random()

    def one_of(self, items: Sequence[Item]) -> Item:
        return items[int(self._random() * len(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """At most `count` different items of these."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of these, each as often as its weight says."""
        point = self._random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            point -= weight
            if point < 0:
                return item
        return items[-1]

    def key(self) -> bytes:
        """A key like one of `ids.new_key`, but repeatable."""
        return bytes(int(self._random() * 256) for _ in range(KEY_BYTES))
