"""How large a body may be, of which type, and how long it may take to come."""

import asyncio
from collections.abc import Sequence

import pytest

from event_seating.errors import BodyTooLarge, BodyTooSlow, UnsupportedMediaType
from event_seating.web import body
from event_seating.web.asgi import Message

pytestmark = pytest.mark.anyio

JSON = {b"content-type": b"application/json"}


class Client:
    """Sends these parts, then nothing more: a client that keeps the connection open."""

    def __init__(self, parts: Sequence[bytes], *, ends: bool = True) -> None:
        self._parts = list(parts)
        self._ends = ends
        self.asked = 0

    async def receive(self) -> Message:
        self.asked += 1
        if not self._parts:
            await asyncio.Event().wait()
        part = self._parts.pop(0)
        return {
            "type": "http.request",
            "body": part,
            "more_body": bool(self._parts) or not self._ends,
        }

    @property
    def unsent(self) -> int:
        return len(self._parts)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_method_without_a_body_needs_no_type(method: str) -> None:
    body.check_head(method, {b"content-length": b"5"})


@pytest.mark.parametrize("head", [{}, {b"content-length": b"0"}, {b"content-length": b""}])
def test_an_empty_body_needs_no_type(head: dict[bytes, bytes]) -> None:
    body.check_head("DELETE", head)


@pytest.mark.parametrize(
    "media_type",
    [b"", b"text/plain", b"application/jsonx", b"application/json+x", b"multipart/form-data; a=b"],
)
def test_another_type_is_refused(media_type: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        body.check_head("POST", {b"content-length": b"5", b"content-type": media_type})


def test_a_body_without_a_length_needs_a_type_too() -> None:
    with pytest.raises(UnsupportedMediaType):
        body.check_head("POST", {b"transfer-encoding": b"chunked"})


@pytest.mark.parametrize("length", [body.BODY_BYTES_MAX + 1, 10**30])
def test_a_length_beyond_the_limit_is_refused_unread(length: int) -> None:
    with pytest.raises(BodyTooLarge) as refused:
        body.check_head("POST", JSON | {b"content-length": str(length).encode()})
    assert refused.value.details == {"limit": body.BODY_BYTES_MAX}


def test_a_length_at_the_limit_is_taken() -> None:
    body.check_head("POST", JSON | {b"content-length": str(body.BODY_BYTES_MAX).encode()})


async def test_a_body_that_grows_too_long_is_read_to_its_end_and_refused() -> None:
    client = Client([b"x" * 6, b"x" * 6, b"x" * 6])
    receive = body.bounded(client.receive, limit=10)
    await receive()
    with pytest.raises(BodyTooLarge):
        await receive()
    assert client.unsent == 0, "else the client would see a broken connection instead of the answer"


async def test_a_body_that_stops_in_the_middle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PART_WITHIN_S", 0.01)
    receive = body.bounded(Client([b"{"], ends=False).receive)
    await receive()
    with pytest.raises(BodyTooSlow):
        await receive()


async def test_who_waits_for_the_end_of_the_connection_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "PART_WITHIN_S", 0.01)
    receive = body.bounded(Client([b"{}"]).receive)
    await receive()
    waiting = asyncio.create_task(receive())  # type: ignore[arg-type]
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    waiting.cancel()


async def test_discarding_ends_with_the_body() -> None:
    client = Client([b"x", b"x", b"x"])
    await body.discard(client.receive)
    assert (client.asked, client.unsent) == (3, 0)


async def test_discarding_ends_at_a_bound_of_bytes() -> None:
    part = b"x" * (body.DISCARD_BYTES_MAX // 2)
    client = Client([part] * 5)
    await body.discard(client.receive)
    assert client.unsent == 3


async def test_discarding_ends_at_a_bound_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "DISCARD_WITHIN_S", 0.01)
    await body.discard(Client([b"x"], ends=False).receive)
