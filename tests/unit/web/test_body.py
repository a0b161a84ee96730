"""How large a body may be, of which type, and how long it may take to come."""

import asyncio
from collections.abc import Sequence

import pytest

from event_seating.errors import BodyTooLarge, BodyTooSlow, TooBusy, UnsupportedMediaType
from event_seating.http_server.asgi import Message
from event_seating.web import body
from event_seating.web.body import Bodies, Body
from event_seating.web.roles import Role

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


def test_anyone_may_send_sixty_four_kilobytes_and_who_has_a_key_a_megabyte() -> None:
    assert body.bytes_max(Role.anyone) == 64 * 1024
    assert body.bytes_max(Role.box_office) == body.bytes_max(Role.admin) == 1024 * 1024


def sent_by(
    client: Client, *, limit: int = 1_000, bodies: Bodies | None = None, role: Role = Role.anyone
) -> Body:
    return (bodies or Bodies()).of(client.receive, limit, role)


async def test_a_body_that_grows_too_long_is_read_to_its_end_and_refused() -> None:
    client = Client([b"x" * 6, b"x" * 6, b"x" * 6])
    sent = sent_by(client, limit=10)
    await sent.receive()
    with pytest.raises(BodyTooLarge):
        await sent.receive()
    assert client.unsent == 0, "else the client would see a broken connection instead of the answer"


async def test_a_body_that_stops_in_the_middle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PART_WITHIN_S", 0.01)
    sent = sent_by(Client([b"{"], ends=False))
    await sent.receive()
    with pytest.raises(BodyTooSlow):
        await sent.receive()


class Dribble:
    """Sends parts of this size, one every `every_s` seconds, for ever."""

    def __init__(self, size: int, every_s: float) -> None:
        self._part = b"x" * size
        self._every_s = every_s
        self.now = 0.0
        self.sent = 0

    async def receive(self) -> Message:
        self.now += self._every_s
        self.sent += len(self._part)
        return {"type": "http.request", "body": self._part, "more_body": True}

    def monotonic(self) -> float:
        return self.now


async def test_a_byte_every_fifteen_seconds_ends_after_thirty() -> None:
    client = Dribble(1, every_s=15)
    sent = Bodies(monotonic=client.monotonic).of(client.receive, 1_000, Role.anyone)
    await sent.receive()
    await sent.receive()
    await sent.receive()
    with pytest.raises(BodyTooSlow):
        await sent.receive()


async def test_a_long_body_has_a_second_more_for_each_sixty_four_kilobytes() -> None:
    client = Dribble(64 * 1024, every_s=1)
    sent = Bodies(monotonic=client.monotonic).of(client.receive, 2**25, Role.admin)
    for _ in range(400):
        await sent.receive()


async def test_who_waits_for_the_end_of_the_connection_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "PART_WITHIN_S", 0.01)
    sent = sent_by(Client([b"{}"]))
    await sent.receive()
    waiting = asyncio.create_task(sent.receive())
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    waiting.cancel()


class TestTheBudgetOfAllBodies:
    async def test_unfinished_ones_beyond_it_are_refused(self) -> None:
        bodies = Bodies(anyone_bytes_max=25)
        clients = [Client([b"x" * 10], ends=False) for _ in range(3)]
        sent = [sent_by(client, bodies=bodies) for client in clients]
        await sent[0].receive()
        await sent[1].receive()
        clients[2] = Client([b"x" * 10, b"x"])
        with pytest.raises(TooBusy):
            await sent_by(clients[2], bodies=bodies).receive()
        assert clients[2].unsent == 0
        assert bodies._anyone.bytes == 20

    async def test_what_was_answered_leaves_its_room_to_others(self) -> None:
        bodies = Bodies(anyone_bytes_max=25)
        for _ in range(10):
            sent = sent_by(Client([b"x" * 20]), bodies=bodies)
            await sent.receive()
            sent.release()
            sent.release()
        assert bodies._anyone.bytes == 0

    async def test_a_refused_one_holds_nothing(self) -> None:
        bodies = Bodies()
        with pytest.raises(BodyTooLarge):
            await sent_by(Client([b"x" * 20]), limit=10, bodies=bodies).receive()
        assert bodies._anyone.bytes == 0

    async def test_anyone_takes_no_room_from_who_has_a_key(self) -> None:
        bodies = Bodies(anyone_bytes_max=25, bytes_max=25)
        await sent_by(Client([b"x" * 20], ends=False), bodies=bodies).receive()
        sent = sent_by(Client([b"x" * 20]), bodies=bodies, role=Role.admin)
        assert (await sent.receive())["body"] == b"x" * 20


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


@pytest.mark.parametrize("has_come", [True, False])
async def test_only_what_is_still_to_come_needs_a_clock(has_come: bool) -> None:
    asked: list[None] = []

    def monotonic() -> float:
        asked.append(None)
        return 0.0

    client = Client([b"whole"])
    sent = Bodies(monotonic=monotonic).of(client.receive, 10, Role.anyone, lambda: has_come)
    assert (await sent.receive())["body"] == b"whole"
    assert bool(asked) is not has_come
    sent.release()


async def test_a_body_that_has_come_is_too_large_all_the_same() -> None:
    client = Client([b"*" * 11])
    sent = Bodies().of(client.receive, 10, Role.anyone, lambda: True)
    with pytest.raises(BodyTooLarge):
        await sent.receive()
