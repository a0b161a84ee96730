"""How an attempt at a job ends: in one of four ways.

A handler returns its job's result, or raises `DoneElsewhere`, `Retry`, `Defer` or `Dead`. Only
`decided` turns that into what becomes of the job; then the worker tells the queue, the tally counts
the `outcome`, and the log names it. Pure.
"""

from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

DEFER_MS: Final = 2_000
"""The delay of a job that could not be attempted."""

DEFERRALS_MAX: Final = 100
"""If a job is deferred more often than this, something is wrong, and it counts as a failure."""


class Done(Exception):
    """The job is done, with this result.

    A handler returns the result; one that raises this has failed, since nothing was written.
    """

    outcome: ClassVar = "done"

    def __init__(self, result: Any = None) -> None:
        super().__init__(result)
        self.result = result


class DoneElsewhere(Done):
    """Another worker has done the job meanwhile.

    Raised in the transaction of the effect, so that this attempt's effect is rolled back.
    """


class Retry(Exception):
    """The attempt failed, and the next one may succeed; the text says why.

    The handler is not at fault, so the log has no stack: a mail server that is down all evening
    would cause thousands.
    """

    outcome: ClassVar = "again"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Defer(Exception):
    """This was no attempt, and the job comes again after a delay, `DEFER_MS` by default."""

    outcome: ClassVar = "postponed"

    def __init__(self, why: str, delay_ms: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.delay_ms = DEFER_MS if delay_ms is None else delay_ms


class Dead(Exception):
    """The job failed for good: no attempt can succeed. The text tells an operator why."""

    outcome: ClassVar = "failed"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


JobEnd: TypeAlias = Done | Retry | Defer | Dead


class JobAttempt(NamedTuple):
    """Which attempt at a job it is."""

    number: int
    """1 for the first."""
    most: int
    """How many there may be."""
    begun: int
    """How often the job was begun, including this time and the times that were no attempt."""

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows it."""
        return self.number >= self.most


def decided(end: JobEnd, attempt: JobAttempt) -> JobEnd:
    """What becomes of the job if its handler ended like this in this attempt."""
    if isinstance(end, Defer) and attempt.begun >= attempt.most + DEFERRALS_MAX:
        end = Retry(end.why)
    if isinstance(end, Retry) and attempt.is_last:
        return Dead(end.why)
    return end
