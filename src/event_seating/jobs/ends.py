"""How an attempt at a job ends: in one of four ways, which everybody reads.

A handler returns its job's result, or raises `DoneElsewhere`, `Retry`, `Defer` or `Dead`. `decided`
makes of it what becomes of the job, once: the worker tells the queue, the tally counts it by its
`outcome`, the log says it. Pure.
"""

from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

DEFER_MS: Final = 2_000
"""When a job comes again that could not be attempted."""

DEFERRALS_MAX: Final = 100
"""A handler that defers its job every time is not right about the reason: then it is a failure."""


class Done(Exception):
    """The job is done, with this result.

    A handler returns the result; one that raises this has failed, since nothing was written.
    """

    outcome: ClassVar = "done"

    def __init__(self, result: Any = None) -> None:
        super().__init__(result)
        self.result = result


class DoneElsewhere(Done):
    """Another worker had the job's effect meanwhile: what this attempt did is to be undone.

    Raised in the transaction of the effect, so that it is rolled back.
    """


class Retry(Exception):
    """The attempt failed, and the next one may do; the text says why.

    A handler that raises it is not at fault, so the log has no stack: a mail server that is down
    all evening would write thousands.
    """

    outcome: ClassVar = "again"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Defer(Exception):
    """This counts as no attempt, and the job comes again after a delay, `DEFER_MS` by default."""

    outcome: ClassVar = "postponed"

    def __init__(self, why: str, delay_ms: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.delay_ms = DEFER_MS if delay_ms is None else delay_ms


class Dead(Exception):
    """The job failed for good: no attempt can do it. The text says why, to an operator."""

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
    """How often the job was begun, this time and those that counted as no attempt included."""

    @property
    def is_last(self) -> bool:
        """Whether there is none after it."""
        return self.number >= self.most


def decided(end: JobEnd, attempt: JobAttempt) -> JobEnd:
    """What becomes of the job when its handler ended so in this attempt."""
    if isinstance(end, Defer) and attempt.begun >= attempt.most + DEFERRALS_MAX:
        end = Retry(end.why)
    if isinstance(end, Retry) and attempt.is_last:
        return Dead(end.why)
    return end
