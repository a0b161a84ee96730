"""What the writer needs from others: where the log is stored, and which jobs follow from a batch.

`LogStore` has two implementations: `sql_store`, and one in the simulation, which loses answers and
crashes on purpose.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol

from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seat_log.projection import Projection
from event_seating.jobs.model import NewJob

Announce = Callable[[Batch, Projection], Sequence[NewJob]]
"""The jobs that follow from a batch that is decided and not yet written."""


def announce_nothing(batch: Batch, projection: Projection) -> Sequence[NewJob]:
    """No jobs: for a log without mails and webhooks."""
    del batch, projection
    return ()


class BatchRow(NamedTuple):
    """One committed batch."""

    version: int
    batch_id: bytes
    format: int
    entries: bytes
    at_ms: int


class IdempotencyKey(NamedTuple):
    """What identifies a call that is repeated: its principal and route, and a hash of its key."""

    scope: str
    key: str


class StoredAnswer(NamedTuple):
    """The result of a call with a key, and a hash of its request.

    `buyer` and `address` are hashes of the caller (`None` where the command itself proves the
    caller). `hold` is the hold that the answer shows; once it has ended the answer is `GONE`, until
    `until_ms`. `result` has the format `result_format`; rows of the release before have none.
    `status` and `answer` are for that release, which may still run beside this one.
    """

    request_hash: bytes
    status: int
    answer: bytes
    at_ms: int
    buyer: bytes | None = None
    address: bytes | None = None
    hold: bytes | None = None
    until_ms: int | None = None
    result: bytes | None = None
    result_format: int | None = None


GONE: Final = 410
"""The status of an answer that was cut down to the id of its hold."""

ENDED_KEPT_MS: Final = 3_600_000
"""How long an answer about a hold is kept after the hold has ended: a caller that lost the answer
repeats the call within minutes."""


class StoredSnapshot(NamedTuple):
    """The encoded state of an event after the row `version`."""

    version: int
    image: bytes
    at_ms: int


class LogTransaction(Protocol):
    """One transaction on one event's log; it is committed when its block ends."""

    async def acquire_write_lock(self, version: int, most: int) -> Sequence[BatchRow]:
        """For a queued transaction: acquire the write lock, then read the rows after `version`.

        These, and all later reads, see everything that earlier holders of the lock committed.
        """
        ...

    async def rows_after(self, version: int, most: int) -> Sequence[BatchRow]:
        """The rows that follow `version`, in order."""
        ...

    async def answers(
        self, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        """The stored answers with these keys that are from `since_ms` or later."""
        ...

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        """Write the row and what follows from it.

        Returns false if its version is taken or its time is too far ahead; then roll back.
        """
        ...


class LogStore(Protocol):
    """The logs of all events. Each call may raise `DatabaseUnavailable`.

    If `transaction` raises it at the end of the block, nobody knows whether it was committed.
    """

    def transaction(
        self, event_id: str, *, queued: bool
    ) -> AbstractAsyncContextManager[LogTransaction]:
        """A transaction. A `queued` one waits in the FIFO lock queue and begins once it is second.

        So it can prefetch rows while it waits; it must `acquire_write_lock` before it decides. Any
        other one acquires the write lock when it begins, since its row is decided already. The
        locks are for fairness only; the primary key is what makes it safe.
        """
        ...

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        """The rows that follow `version`, in order."""
        ...

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        """The stored answers with these keys that are from `since_ms` or later."""
        ...

    async def snapshots(self, event_id: str) -> Sequence[StoredSnapshot]:
        """The newest first."""
        ...

    async def put_snapshot(self, event_id: str, snapshot: StoredSnapshot) -> None:
        """Store it, and delete all but the newest few."""
        ...
