"""Plays what a page shows: each `$ command` of a ```console block, and the output below it.

Real servers run, with Valkey and jobs, as a reader's do. A line that starts one (`make run`, `…
serve`) takes the terminal: what comes after it is typed into another one, where nothing is exported
yet. The server takes a free port, which stands for the 3001 of the page; `curl` asks it. What
cannot be the same twice, such as times, is compared by its form alone. An id that is drawn at
random is compared by its form where the page shows it first, and stands for the one that was drawn
from there on, in commands as well. A command that is not known here is an error: what shall not be
played stands in a ```sh block.
"""

import argparse
import asyncio
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
from tests.support import markdown
from tests.support.process import ServerProcess, clean_environment

PLACE = "http://localhost:3001"
KEY = "0123456789abcdef" * 3
"""What `openssl rand -hex 24` may print."""

PROGRAM = [sys.executable, "-m", "event_seating.cli"]
IN_PLACE: Mapping[str, Sequence[str]] = {
    "make run": [*PROGRAM, "serve"],
    ".venv/bin/event-seating": PROGRAM,
    "/opt/event-seating/bin/event-seating": PROGRAM,
}
"""The programs by the names under which a reader finds them, as this environment has them."""

ANSWERED_WITHIN_S = 30
JOBS_DONE_WITHIN_S = 20

OWN_EACH_TIME = {"requestId": str, "averageResponseTime": float, "latencyMs": float,
                 "retryAfter": int, "throughputPerSecond": float, "mean": float,
                 "longest": float, "commitToDoneMs": float, "attempts": int}  # fmt: skip
OWN_HEADERS = {"x-request-id", "retry-after"}
DRAWN = {"id", "eventId", "holdToken", "bookingId", "hold", "booking", "epoch", "webhookId",
         "secret"}  # fmt: skip
DRAWN_ID = re.compile(
    r"[0-9a-f]{16}|[a-z0-9]{12}(?:[A-Za-z0-9_-]{22}){0,2}"
    r"|(?:wh|job|file)-[0-9a-f]{32}|whsec_[A-Za-z0-9+/]{43}="
)
"""An epoch, the id of an event, a hold or a booking, a hold's token; the id of a webhook, a job
or a file, or a webhook's secret."""
AHEAD = {"startsAt", "salesEnd"}
"""The demo event's are some weeks from now, at the full hour."""
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"
OTHERS = "…"
"""A line that stands for the headers that a page does not show."""


class Step(NamedTuple):
    """A command and what it prints."""

    command: str
    output: str


def steps(page: str) -> list[Step]:
    """All that the page shows being done, in order."""
    found = []
    for block in markdown.blocks(page):
        if block.language == "console":
            assert block.text.startswith("$ ")
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append(Step(command, output.rstrip("\n")))
    return found


class Shell:
    """The terminals in which the commands of one page are typed."""

    def __init__(self, directory: Path, programs: Mapping[str, Sequence[str]] = IN_PLACE) -> None:
        """Play in `directory`; `programs` are what stands for the commands that pages name."""
        self._directory = directory
        self._programs = programs
        self._exported: dict[str, str] = {}
        self._drawn: dict[str, str] = {}
        """The ids that were drawn, by those that the page shows in their place."""
        self._server: ServerProcess | None = None
        self._client = httpx.AsyncClient(timeout=ANSWERED_WITHIN_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        await self._client.aclose()
        self._stop()

    async def play(self, step: Step) -> None:
        """Do it and compare."""
        words = shlex.split(self._expanded(step.command))
        settings = {}
        while words and (match := re.fullmatch(r"([A-Z][A-Z_]*)=(.*)", words[0])):
            settings[match[1]] = match[2]
            words.pop(0)
        match words:
            case ["export", *assignments]:
                self._exported.update(part.split("=", 1) for part in assignments)
            case ["openssl", "rand", "-hex", "24", ">", name]:
                (self._directory / name).write_text(f"{KEY}\n")
            case ["curl", *rest]:
                await self._curl(rest, step.output)
            case ["make", "run"]:
                await asyncio.to_thread(self._serve, self._programs["make run"], settings)
            case [program, "serve"] if program in self._programs:
                start = [*self._programs[program], "serve"]
                await asyncio.to_thread(self._serve, start, settings)
            case [program, *rest] if program in self._programs:
                assert self._printed([*self._programs[program], *rest], settings) == step.output
            case _:
                raise AssertionError(f"unknown here: {step.command}")

    def _expanded(self, command: str) -> str:
        for name in re.findall(r"\$([A-Za-z_]+)", command):
            assert name in self._exported, f"${name} is not set in this terminal"
            command = re.sub(rf"\${name}\b", self._exported[name], command)
        for name in re.findall(r"\$\(cat (\S+)\)", command):
            text = (self._directory / name).read_text().strip()
            command = command.replace(f"$(cat {name})", text)
        return with_drawn(command, self._drawn)

    def _serve(self, words: Sequence[str], settings: dict[str, str]) -> None:
        """Start a server where the last one ended; the terminal is its own from then on."""
        self._stop()
        environment = self._exported | settings | {"PORT": "0"}
        first = not (self._directory / "data").exists()
        self._server = ServerProcess(environment, words=words, directory=self._directory)
        self._server.wait_until_ready()
        if first and environment.get("APP_ENV", "development") == "development":
            self._server.wait_for_line("an event to try")
        self._exported = {}

    def _stop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server = None

    def _printed(self, words: list[str], settings: dict[str, str]) -> str:
        environment = clean_environment() | self._exported | settings
        done = subprocess.run(
            words, cwd=self._directory, env=environment,
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.rstrip("\n")

    async def _curl(self, words: list[str], shown: str) -> None:
        until = asyncio.get_running_loop().time() + JOBS_DONE_WITHIN_S
        if "|" in words:
            at = words.index("|")
            words, (_, pattern) = words[:at], words[at + 1 :]
            (answer,) = await self._ask(asked := curl_arguments(words))
            found = [line for line in answer.text.splitlines() if re.search(pattern, line)]
            assert shown.splitlines() == found
            return
        asked = curl_arguments(words)
        if asked.parallel:
            assert self._server is not None, "nothing is served yet"
            assert shown == ""
            assert set(await all_at_once(urls(asked.url, self._server.url))) == {200}
            return
        answers = await self._ask(asked)
        if asked.output:
            assert shown == ""
            assert {answer.status_code for answer in answers} == {200}
            return
        (answer,) = answers
        while True:
            try:
                compare_answer(answer, shown, with_headers=asked.include, drawn=self._drawn)
            except AssertionError:
                # A reader types slower than a job runs.
                if "/jobs" not in asked.url or asyncio.get_running_loop().time() > until:
                    raise
                (answer,) = await self._ask(asked)
            else:
                return

    async def _ask(self, asked: argparse.Namespace) -> list[httpx.Response]:
        assert self._server is not None, "nothing is served yet"
        headers = dict(header.split(": ", 1) for header in asked.header)
        if asked.data is not None:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        method = asked.request or ("GET" if asked.data is None else "POST")
        requests = [
            self._client.request(method, url, headers=headers, content=asked.data)
            for url in urls(asked.url, self._server.url)
        ]
        return [await request for request in requests]


def curl_arguments(words: list[str]) -> argparse.Namespace:
    """What the words after `curl` ask for."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-i", "--include", action="store_true")
    parser.add_argument("-s", "--silent", action="store_true")
    parser.add_argument("-Z", "--parallel", action="store_true")
    parser.add_argument("--parallel-immediate", action="store_true")
    parser.add_argument("--parallel-max")
    parser.add_argument("-o", "--output")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data")
    parser.add_argument("url")
    return parser.parse_args(words)


async def all_at_once(addresses: Sequence[str]) -> list[int]:
    """The statuses of requests that are sent together, each on a connection that is open."""
    asked = [httpx.URL(address) for address in addresses]
    connections = [await asyncio.open_connection(url.host, url.port) for url in asked]
    for url, (_, writer) in zip(asked, connections, strict=True):
        head = f"GET {url.raw_path.decode()} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
    statuses = [int((await reader.readline()).split()[1]) for reader, _ in connections]
    for _, writer in connections:
        writer.close()
    return statuses


def urls(url: str, served: str) -> list[str]:
    """One URL of the server at `served`, or one for each number of its `[from-to]`."""
    whole = url if "://" in url else f"http://{url}"
    assert whole.startswith(f"{PLACE}/"), whole
    whole = whole.replace(PLACE, served, 1)
    match = re.search(r"\[(\d+)-(\d+)]", whole)
    if not match:
        return [whole]
    return [
        whole.replace(match[0], str(number)) for number in range(int(match[1]), int(match[2]) + 1)
    ]


def compare_answer(
    answer: httpx.Response,
    shown: str,
    *,
    with_headers: bool,
    drawn: dict[str, str] | None = None,
) -> None:
    """The answer is the one that the page shows; ids that are new are added to `drawn`."""
    drawn = {} if drawn is None else drawn
    head, body = "", shown
    if with_headers:
        head, _, body = shown.partition("\n\n")
        code = HTTPStatus(answer.status_code)
        assert head.partition("\n")[0] == f"HTTP/1.1 {code.value} {code.phrase}"
    if body:
        expected = json.loads(body)
        assert_same(answer.json(), expected, drawn)
        assert with_headers or answer.is_success == ("error" not in expected)
    else:
        assert answer.content == b""
    if with_headers:
        # After the body, which tells the ids that a header may have in it.
        compare_headers(answer.headers, with_drawn(head, drawn).split("\n")[1:])


def with_drawn(text: str, drawn: dict[str, str]) -> str:
    """The text with the ids that were drawn in place of those that the page shows."""
    for shown in sorted(drawn, key=len, reverse=True):
        text = text.replace(shown, drawn[shown])
    return text


def compare_headers(given: httpx.Headers, shown: list[str]) -> None:
    """Each header that is shown is there, with its value."""
    assert shown[-1] == OTHERS
    for line in shown[:-1]:
        name, value = line.split(": ", 1)
        assert name in given
        if name not in OWN_HEADERS:
            # When the next request may come depends on how long the last one took.
            in_seconds = re.compile(r"\bt=\d+")
            assert in_seconds.sub("t=", given[name]) == in_seconds.sub("t=", value), name


def assert_same(
    given: Any,
    shown: Any,
    drawn: dict[str, str],
    field: str = "",
    told_beside: Collection[str] = (),
) -> None:
    """Both are the same JSON, but for what differs each time."""
    if field == "error" and "attempts" in told_beside and shown is None:
        # A webhook may have been called, in vain, by the time at which the reader asks.
        assert given is None or isinstance(given, str), field
    elif field in OWN_EACH_TIME:
        assert type(given) is type(shown) is OWN_EACH_TIME[field], field
    elif isinstance(shown, dict):
        assert isinstance(given, dict), field
        assert list(given) == list(shown)
        for name in shown:
            assert_same(given[name], shown[name], drawn, name, shown)
    elif isinstance(shown, list):
        assert len(given) == len(shown), field
        for one, other in zip(given, shown, strict=True):
            assert_same(one, other, drawn, field)
    elif isinstance(shown, str) and _is_time_of_its_own(shown, field):
        assert re.fullmatch(TIME, given), field
    elif isinstance(shown, str) and field in DRAWN and DRAWN_ID.fullmatch(shown):
        assert DRAWN_ID.fullmatch(given), field
        assert len(given) == len(shown), field
        assert drawn.setdefault(shown, given) == given, field
    else:
        assert given == shown, field


def _is_time_of_its_own(shown: str, field: str) -> bool:
    return bool(re.fullmatch(TIME, shown)) and ("." in shown or field in AHEAD)
