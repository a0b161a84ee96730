"""Where every choice of a simulation comes from.

Each actor draws from a stream of its own, named after it and the seed, so that what one draws does
not depend on how many others drew before it. Only `Random.random` is used, whose sequence Python
promises to keep for a seed; the other methods may change from release to release.
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
        """So many different ones of these, fewer if there are not so many."""
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
        """What `ids.new_key` makes, repeatable."""
        return bytes(int(self._random() * 256) for _ in range(KEY_BYTES))
