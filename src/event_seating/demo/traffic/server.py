"""A running server as the simulated buyers see it: requests, answers, and waiting.

Owns the connections: one client with its own cookies for each buyer. A buyer who is asked to come
back later waits that long and asks again. It knows no more of the rules than the codes of their
refusals.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, Self

import httpx

from event_seating.demo.traffic.tally import TrafficCounts
from event_seating.errors import StartupError

ANSWER_WITHIN_S: Final = 10.0
"""Enough for a whole seat map over a slow connection; nothing else takes longer."""

GONE_AFTER: Final = 5
"""Unanswered requests in a row after which the run ends."""

LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

LATER_S: Final = 1.0
"""The wait if the answer does not say how long."""

NO_ANSWER: Final = "no_answer"


class ForeignServer(StartupError):
    """Another kind of server answers at this address."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} is not an Event Seating server")


class RequestRefused(Exception):
    """The server refused, or did not answer; already counted."""


class Stop:
    """Whether a run is over, and the error if it failed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.error: StartupError | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is over."""
        return self._event.is_set()

    def now(self, error: StartupError | None = None) -> None:
        """End the run; the first error is kept."""
        self.error = self.error or error
        self._event.set()

    async def pause(self, seconds: float) -> None:
        """Wait this long, or until the run is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


class Server:
    """Makes the clients, which share their counts."""

    def __init__(self, url: str, key: str | None, tally: TrafficCounts, stop: Stop) -> None:
        self.url = url
        self.key = key
        self._tally = tally
        self._stop = stop
        self._unanswered = 0
        # Made once, because reading the certificates takes longer than a thousand answers.
        self._certificates = httpx.create_ssl_context()

    def client(self) -> "BuyerClient":
        """A client for one buyer; raises `StartupError` for an invalid URL."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            http = httpx.AsyncClient(
                base_url=self.url,
                headers=headers,
                timeout=ANSWER_WITHIN_S,
                verify=self._certificates,
                trust_env=False,
            )
        except httpx.InvalidURL as error:
            raise StartupError(f"--url: {self.url!r} is not a URL ({error})") from None
        return BuyerClient(self, http, self._tally, self._stop)

    def note_answer(self, *, answered: bool) -> None:
        """Note whether a request was answered; after too many unanswered ones the run ends."""
        self._unanswered = 0 if answered else self._unanswered + 1
        if self._unanswered >= GONE_AFTER:
            self._stop.now(StartupError(f"{self.url} does not answer any more"))


class BuyerClient:
    """One buyer's connection to the server."""

    def __init__(
        self, server: Server, http: httpx.AsyncClient, tally: TrafficCounts, stop: Stop
    ) -> None:
        self._server = server
        self._http = http
        self._tally = tally
        self._stop = stop

    async def __aenter__(self) -> Self:
        """Connects at the first request."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def look(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read what a page reads before buying; a `StartupError` says why that failed."""
        server = self._server
        while True:
            try:
                answer = await self._http.get(path, params=query)
                body = answer.json()
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise StartupError(
                    f"no server answers at {server.url} ({type(error).__name__}); "
                    "`event-seating serve` starts one, --url names another"
                ) from None
            except (httpx.DecodingError, ValueError):
                raise ForeignServer(server.url) from None
            if answer.is_success:
                return body
            if answer.status_code not in LATER or self._stop.is_over:
                raise StartupError(f"{server.url}{path}: {_said(body)}")
            await self._stop.pause(_later(answer))

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str = ""
    ) -> dict[str, Any]:
        """The server's answer; raises `RequestRefused` after counting its code."""
        while True:
            answer = await self._send(method, path, body, token)
            if answer.is_success:
                return dict(answer.json()) if answer.content else {}
            self._tally.refused[_code(answer)] += 1
            if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                self._stop.now(StartupError(f"{self._server.url}: {_said(_json(answer))}"))
            if answer.status_code not in LATER or self._stop.is_over:
                raise RequestRefused
            await self._stop.pause(_later(answer))
            if self._stop.is_over:
                raise RequestRefused

    async def _send(self, method: str, path: str, body: object, token: str) -> httpx.Response:
        self._tally.requests += 1
        headers = {"seat-hold-token": token} if token else {}
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            self._tally.refused[NO_ANSWER] += 1
            self._server.note_answer(answered=False)
            raise RequestRefused from None
        self._server.note_answer(answered=True)
        return answer


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _code(answer: httpx.Response) -> str:
    body = _json(answer)
    code = body.get("code") if isinstance(body, dict) else None
    return str(code or answer.status_code)


def _said(body: object) -> str:
    said = body.get("error") if isinstance(body, dict) else None
    return str(said or "an answer that is not understood")


def _later(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else LATER_S
