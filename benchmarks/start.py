"""From the command to readiness: an empty data directory in development, a migrated one in
production, and Express beside them. One start of each goes first, untimed: after an installation
the interpreter compiles what it loads, once."""

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import contenders
from benchmarks.rows import Bound, Goal, Judged, Row, less_is_better
from benchmarks.servers import Contender, Server
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run

TOPIC = "start"

READY_GOAL = Goal(Bound.below, 2, Judged.measured)

USER = '{"id":"1","name":"John Doe","email":"john@example.com","createdAt":"2023-01-01T00:00:00Z"}'


def measure(run: Run) -> Iterator[Row | Profile]:
    starts: dict[str, Callable[[], Contender]] = {
        "ready, empty data directory": contenders.limited,
        "ready, production, migrated": contenders.keyed,
    }
    times: dict[str, list[float]] = {what: [] for what in starts}
    express: list[float] = []
    for number in range(run.rounds + 1):
        run.tell(f"{TOPIC}: round {number} of {run.rounds}")
        directory = run.directory / str(number)
        for what, make in starts.items():
            times[what].append(_ready_after_s(make(), directory))
        express.append(_ready_after_s(contenders.express(USER), directory))
    del express[0]
    for what, (_, *ours) in times.items():
        yield Row(
            topic=TOPIC,
            what=what,
            against=contenders.EXPRESS,
            measured=samples(ours, "s"),
            reference=samples(express, "s"),
            ratio=less_is_better(ours, express),
            goal=READY_GOAL,
        )


def _ready_after_s(contender: Contender, directory: Path) -> float:
    with Server(contender, directory) as server:
        return server.ready_after_s
