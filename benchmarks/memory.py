"""Peak memory of the whole service after 1,000 cached users, beside Express with as many."""

import json
from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.rows import Row, less_is_better
from benchmarks.servers import Server
from benchmarks.start import USER
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run

TOPIC = "memory"

USERS = 1000
"""The default capacity of the cache."""


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: {USERS:,} cached users")
    with Server(contenders.keyed(), run.directory) as ours:
        for number in range(USERS):
            _create_user(ours, number)
        invalid = _read_all(ours)
        cached = json.loads(ours.ask("GET", "/cache-status").body)["size"]
        if cached != USERS:
            invalid = f"{cached} users are cached, not {USERS}"
        ours_mb = [ours.peak_memory_bytes() / 1e6]
    with Server(contenders.express(USER), run.directory) as express:
        invalid = invalid or _read_all(express)
        express_mb = [express.peak_memory_bytes() / 1e6]
    yield Row(
        topic=TOPIC,
        what=f"peak of the process, {USERS:,} cached users",
        against=contenders.EXPRESS,
        measured=samples(ours_mb, "MB"),
        reference=samples(express_mb, "MB"),
        ratio=less_is_better(ours_mb, express_mb),
        invalid=invalid,
    )


def _create_user(server: Server, number: int) -> None:
    user = {"id": f"bench-{number}", "name": "A Name", "email": f"user-{number}@example.com"}
    created = server.ask("POST", "/users", json.dumps(user).encode())
    assert created.status == 201, created.body


def _read_all(server: Server) -> str:
    """Why the memory would say nothing, or nothing."""
    for number in range(USERS):
        status = server.ask("GET", f"/users/bench-{number}").status
        if status != 200:
            return f"{server.name} answered {status}"
    return ""
