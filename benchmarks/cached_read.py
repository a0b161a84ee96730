"""Cached `GET /users/{id}` over HTTP: the service with everything on against its peers.

All contenders are alive for the whole run and one is loaded at a time, in turn (A B C A B C …), so
that a slow spell of the machine meets all of them alike. A contender that did not do its share of
the work (limits, lines, metrics) or refused a request makes its rows invalid.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import contenders
from benchmarks.load import Generator, Load, Outcome, find_or_fetch
from benchmarks.rows import Bound, Goal, Judged, Row, Samples, less_is_better, more_is_better
from benchmarks.servers import OUTPUT_FILE, Contender, Server
from benchmarks.topic import Profile, Run

TOPIC = "cached read"

WARM_UP_S = 2
"""Compilers and caches settle well within this."""

USER_ID = "bench-1"
PATH = f"/users/{USER_ID}"
NEW_USER = {"id": USER_ID, "name": "John Doe", "email": "john.bench@example.com"}

ANSWER_SIZE_SLACK_BYTES = 8
"""A time whose milliseconds are zero is written shorter."""

CHUNK_BYTES = 1 << 20

GOALS = {
    contenders.BARE: Goal(Bound.at_least, 0.5, Judged.ratio),
    contenders.EXPRESS: Goal(Bound.at_least, 4, Judged.ratio),
    contenders.FASTIFY: Goal(Bound.above, 1, Judged.ratio),
}

CPU_GOALS = {
    contenders.BARE: Goal(Bound.at_least, 1.5, Judged.ratio),
    contenders.EXPRESS: Goal(Bound.at_least, 4, Judged.ratio),
    contenders.FASTIFY: Goal(Bound.at_least, 2, Judged.ratio),
}
"""By the processor's time, since granian has three threads to the others' one."""

P99_GOAL = Goal(Bound.below, 2, Judged.measured)
"""Milliseconds."""

OURS = (contenders.OURS_LIMITED, contenders.OURS_KEYED)
LOGGED_AND_COUNTED = (*OURS, contenders.EXPRESS, contenders.FASTIFY)
LIMITED = (contenders.OURS_LIMITED, contenders.EXPRESS, contenders.FASTIFY)


@dataclass
class _Results:
    """What one contender gave, a value a round."""

    outcomes: list[Outcome] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    invalid: str = ""

    @property
    def rates(self) -> list[float]:
        return [outcome.requests_per_s for outcome in self.outcomes]

    def latency(self, percentile: int) -> Samples:
        values = (outcome.latency_ms.get(percentile, 0.0) for outcome in self.outcomes)
        return Samples(tuple(values), "ms")


def measure(run: Run) -> Iterator[Row | Profile]:
    generator = find_or_fetch()
    with ExitStack() as stack:
        servers = _start(stack, run)
        answers = {server.name: server.ask("GET", PATH).body for server in servers}
        results = {server.name: _Results(invalid=_unlike(server, answers)) for server in servers}
        sent = {server.name: _warm_up(server, generator) for server in servers}
        for number in range(run.rounds):
            run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
            for server in servers:
                _load(server, generator, run.seconds, results[server.name])
        for server in servers:
            result = results[server.name]
            requests = sent[server.name] + sum(outcome.requests for outcome in result.outcomes)
            result.invalid = result.invalid or _shirked(server, requests)
    yield from _rows(results)
    yield from _profiles(results)


def _start(stack: ExitStack, run: Run) -> list[Server]:
    def start(contender: Contender) -> Server:
        run.tell(f"{TOPIC}: starting {contender.name}")
        return stack.enter_context(Server(contender, run.directory))

    ours = [start(contenders.limited()), start(contenders.keyed())]
    users = [_create_user(server) for server in ours]
    peers = [
        contenders.bare(users[0]),
        contenders.express(users[0]),
        contenders.fastify(users[0]),
        contenders.express(users[0], constant=True),
        contenders.fastify(users[0], constant=True),
    ]
    return ours + [start(peer) for peer in peers]


def _create_user(server: Server) -> str:
    created = server.ask("POST", "/users", json.dumps(NEW_USER).encode())
    if created.status != 201:
        raise RuntimeError(f"{server.name} made no user: {created.status} {created.body!r}")
    return server.ask("GET", PATH).body.decode()


def _warm_up(server: Server, generator: Generator) -> int:
    return generator.run(_load_of(server, WARM_UP_S)).requests


def _load(server: Server, generator: Generator, seconds: int, results: _Results) -> None:
    before = server.cpu_s()
    outcome = generator.run(_load_of(server, seconds))
    results.cpu_us.append((server.cpu_s() - before) / max(outcome.requests, 1) * 1e6)
    results.outcomes.append(outcome)
    if outcome.failed:
        results.invalid = f"{outcome.failed} of {server.name}'s answers were not 2xx"


def _load_of(server: Server, seconds: int) -> Load:
    return Load(server.url(PATH), seconds, server.contender.headers)


def _unlike(server: Server, answers: dict[str, bytes]) -> str:
    """Why this contender's answer is not the others' answer, or nothing."""
    model = answers[contenders.OURS_LIMITED]
    answer = answers[server.name]
    if json.loads(answer).keys() != json.loads(model).keys():
        return f"{server.name} answers something else"
    if abs(len(answer) - len(model)) > ANSWER_SIZE_SLACK_BYTES:
        return f"{server.name} answers {len(answer)} bytes, not {len(model)}"
    return ""


def _shirked(server: Server, requests: int) -> str:
    """Which part of the work this contender did not do, or nothing."""
    if server.name in LIMITED:
        headers = server.ask("GET", PATH).headers
        if not any(name.startswith("ratelimit") for name in headers):
            return f"{server.name} did not limit"
    if server.name in LOGGED_AND_COUNTED:
        logged = lines_logged(server.directory)
        if logged < requests:
            return f"{server.name} logged {logged:,} of {requests:,} requests"
        counted = counted_by_metrics(server.ask("GET", "/metrics").body.decode())
        if counted < requests:
            return f"{server.name} counted {counted:,} of {requests:,} requests"
    return ""


def lines_logged(directory: Path) -> int:
    """Lines on standard output or in log files, whichever are more: one that rotates away its old
    files is known by its output, one that prints nothing by its files."""
    output = directory / OUTPUT_FILE
    files = sum(_lines(path) for path in directory.glob("*.log*") if path != output)
    return max(_lines(output), files)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))


def counted_by_metrics(page: str) -> int:
    """How many requests a page of Prometheus metrics has seen."""
    counts = re.findall(
        r"^http_request_duration_seconds_count(?:\{.*\})? (\S+)$", page, re.MULTILINE
    )
    return int(sum(float(count) for count in counts))


def _rows(results: dict[str, _Results]) -> Iterator[Row]:
    for name in OURS:
        ours = results[name]
        yield Row(
            topic=TOPIC,
            what=f"p99, {name}",
            measured=ours.latency(99),
            goal=P99_GOAL,
            invalid=ours.invalid,
        )
        for peer, theirs in results.items():
            if peer in OURS:
                continue
            invalid = ours.invalid or theirs.invalid
            yield Row(
                topic=TOPIC,
                what=f"requests a second, {name}",
                against=peer,
                measured=Samples(tuple(ours.rates), "req/s"),
                reference=Samples(tuple(theirs.rates), "req/s"),
                ratio=more_is_better(ours.rates, theirs.rates),
                goal=GOALS.get(peer),
                invalid=invalid,
            )
            if peer in GOALS:
                yield Row(
                    topic=TOPIC,
                    what=f"CPU a request, {name}",
                    against=peer,
                    measured=Samples(tuple(ours.cpu_us), "µs"),
                    reference=Samples(tuple(theirs.cpu_us), "µs"),
                    ratio=less_is_better(ours.cpu_us, theirs.cpu_us),
                    goal=CPU_GOALS.get(peer),
                    invalid=invalid,
                )


def _profiles(results: dict[str, _Results]) -> Iterator[Profile]:
    for name, result in results.items():
        yield Profile(
            contender=name,
            requests_per_s=Samples(tuple(result.rates), "req/s"),
            p50_ms=result.latency(50),
            p99_ms=result.latency(99),
            cpu_us=Samples(tuple(result.cpu_us), "µs"),
        )
