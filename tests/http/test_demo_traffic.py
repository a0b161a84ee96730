"""`event-seating demo` as a user runs it: a process of its own against a real server."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.process import ServerProcess, clean_environment, serving, settings

from event_seating.demo.traffic.choices import hall_of
from event_seating.venues.arenas import arena

KEY = "a-key-for-the-demo-that-is-long-enough"

SEATS, STANDING = 500, 100

ENDS_WITHIN_S = 60
"""Far more than any of these runs takes, on a machine that has other things to do."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "event_seating.cli", "demo", *arguments]


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=clean_environment() | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )


def create_event(server: ServerProcess, key: str | None = KEY) -> str:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=server.url, headers=headers) as http:
        http.put("/venues/hall", json=arena(SEATS, standing=STANDING)).raise_for_status()
        event = {"venueId": "hall", "name": "A Night", "startsAt": "2099-01-01T20:00:00Z"}
        return str(http.post("/events", json=event).raise_for_status().json()["id"])


def counts(server: ServerProcess, event: str) -> dict[str, int]:
    return dict(httpx.get(f"{server.url}/events/{event}/seats").json()["counts"])


def number(kind: str, output: str) -> int:
    match = re.search(rf"^{kind} +(\d+)", output, re.MULTILINE)
    assert match, output
    return int(match[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("data")
    with serving(settings(data, ADMIN_API_KEY=KEY)) as running:
        yield running


def test_without_a_key_it_sells_seats_and_ends_when_its_time_is_over(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        event = create_event(server, key=None)
        ended = demo("--url", server.url, "--seconds", "2")
        assert ended.returncode == 0, ended.stderr
        booked, held = number("booked", ended.stdout), number("held", ended.stdout)
        assert held >= booked > 0
        assert event in ended.stdout
        cancelled = re.search(r"(\d+) cancelled", ended.stdout)
        assert cancelled
        assert counts(server, event)["booked"] == booked - int(cancelled[1])


@pytest.mark.long
def test_buyers_who_are_told_to_come_back_later_do(tmp_path: Path) -> None:
    limited = settings(tmp_path, SEATING_RATE_LIMITS="2/1s")
    with serving(limited) as server:
        event = create_event(server, key=None)
        ended = demo("--url", server.url, "--seconds", "4", "--buyers", "2")
        assert ended.returncode == 0, ended.stderr
        assert "rate_limited" in ended.stdout
        # Two a second for each of two buyers, and as many that are refused before one waits.
        assert number("requests", ended.stdout) <= 2 * 2 * (4 + 1) * 2
        assert counts(server, event)["booked"] > 0


@pytest.mark.long
def test_in_production_it_needs_a_key_to_book_and_says_so(tmp_path: Path) -> None:
    production = settings(tmp_path, APP_ENV="production", ADMIN_API_KEY=KEY, LOG_DIR="off")
    migration = ServerProcess(production, command="migrate")
    try:
        assert migration.ended() == 0, migration.output
    finally:
        migration.kill()
    with serving(production) as server:
        event = create_event(server)
        ended = demo("--url", server.url, "--seconds", "600")
        assert ended.returncode == 3
        assert "needs a valid API key" in ended.stderr
        assert counts(server, event)["booked"] == 0
        ended = demo("--url", server.url, "--seconds", "1", "--key", KEY)
        assert ended.returncode == 0, ended.stderr
        assert counts(server, event)["booked"] > 0


@pytest.mark.long
def test_a_server_that_dies_ends_it_with_its_numbers(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        event = create_event(server, key=None)
        arguments = command("--url", server.url, "--seconds", "600")
        with subprocess.Popen(
            arguments,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert event in process.stdout.readline()
            server.kill()
            output, error = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 3
    assert "does not answer any more" in error
    assert "no_answer" in output


@pytest.mark.long
def test_it_ends_when_the_share_is_sold_and_sells_no_seat_more(server: ServerProcess) -> None:
    event = create_event(server)
    share = ("--share", "0.05", "--seconds", "600")
    ended = demo("--url", server.url, "--key", KEY, "--event", event, *share)
    assert ended.returncode == 0, ended.stderr
    assert counts(server, event)["booked"] == (SEATS + STANDING) * 0.05
    again = demo("--url", server.url, "--key", KEY, "--event", event, *share)
    assert again.returncode == 0, again.stderr
    assert "as many of its seats are sold" in again.stdout


@pytest.mark.parametrize(
    "number_", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_signal_ends_it_with_its_numbers(server: ServerProcess, number_: signal.Signals) -> None:
    event = create_event(server)
    arguments = command("--url", server.url, "--key", KEY, "--event", event, "--seconds", "600")
    with subprocess.Popen(
        arguments, env=clean_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert event in process.stdout.readline()
        process.send_signal(number_)
        output, _ = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 0
    assert number("held", output) >= number("booked", output)


def test_seats_have_the_numbers_that_the_snapshot_has(server: ServerProcess) -> None:
    event = create_event(server)
    seats = httpx.get(f"{server.url}/events/{event}/seats").json()["seats"]
    assert hall_of(httpx.get(f"{server.url}/venues/hall").json()).ids == list(seats)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--url http://127.0.0.1:1", "no server answers at http://127.0.0.1:1"),
        ("--url {url} --event {event} --key wrong", "valid API key"),
        pytest.param("--url nowhere", "no server answers at nowhere", marks=pytest.mark.long),
        pytest.param("--url {url} --event nope", "No event has this id", marks=pytest.mark.long),
        pytest.param(
            "--url {url} --event ../health", "/events/..%2Fhealth", marks=pytest.mark.long
        ),
        pytest.param("--url {url}/health", "/health/events", marks=pytest.mark.long),
    ],
)
def test_what_cannot_begin_says_why_in_one_line(
    server: ServerProcess, arguments: str, reason: str
) -> None:
    ended = demo(*arguments.format(url=server.url, event=create_event(server)).split())
    assert (ended.returncode, ended.stdout) == (3, "")
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.long
def test_without_an_event_it_cannot_begin(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as empty:
        ended = demo("--url", empty.url)
    assert ended.returncode == 3
    assert "has no event to come" in ended.stderr


def test_an_event_that_is_not_on_sale_is_refused(server: ServerProcess) -> None:
    event = create_event(server)
    key = {"authorization": f"Bearer {KEY}"}
    changed = httpx.patch(f"{server.url}/events/{event}", json={"status": "paused"}, headers=key)
    assert changed.status_code == 200
    ended = demo("--url", server.url, "--event", event)
    assert ended.returncode == 3
    assert f"event {event} is paused" in ended.stderr


@pytest.mark.parametrize(
    "bad",
    [
        ("--share", "nan"),
        pytest.param(("--share", "1.5"), marks=pytest.mark.long),
        pytest.param(("--seconds", "0"), marks=pytest.mark.long),
        pytest.param(("--buyers", "1000"), marks=pytest.mark.long),
    ],
)
def test_a_bad_option_is_named(bad: tuple[str, str]) -> None:
    ended = demo(*bad)
    assert ended.returncode == 2
    assert bad[0] in ended.stderr
