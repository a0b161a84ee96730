"""What concerns all connections: how many there may be, who goes first, how everything stops."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.framings import CANARY
from tests.support.responses import responses
from tests.support.wire import Wire, WireServer, settle
from tests.unit.http_server.echo import Echo, EchoAtOnce
from tests.unit.http_server.recorded import HANDSHAKE, READY, plain, sized

from event_seating.http_server import server as server_module
from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.http_server.connection import HttpConnection
from event_seating.http_server.limits import IDLE_S, LINGER_S, EndReason
from event_seating.http_server.websocket import WebSocketCycle

pytestmark = pytest.mark.anyio

SLOW = plain(b"GET", b"/slow")


class Held(EchoAtOnce):
    """Answers only what is ready; everything else is under way until it `may_answer`.

    A WebSocket is accepted and then held.
    """

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["raw_path"] == b"/live":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                continue
            return
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        await super().__call__(scope, receive, send)


class Counted(set[HttpConnection | WebSocketCycle]):
    """Connections, and how often all of them were looked through."""

    walks = 0

    def __iter__(self) -> Iterator[HttpConnection | WebSocketCycle]:
        self.walks += 1
        return super().__iter__()


def by_address(address: str) -> str | None:
    return None if address.startswith("10.") else address


class TestCaps:
    async def test_a_client_that_has_too_many_loses_the_one_that_was_idle_longest(self) -> None:
        server = WireServer(Held(), per_client=3)
        wires = []
        for port in range(3):
            wires.append(Wire(server, port=port))
            server.now += 1
        wires[0].send(READY)
        wires.append(Wire(server, port=3))
        assert [wire.is_closing() for wire in wires] == [False, True, False, False]
        assert server.ended[EndReason.address] == 1

    async def test_a_busy_one_is_never_ended_while_one_is_idle(self) -> None:
        server = WireServer(Held(), per_client=4)
        wires = [Wire(server, port=port) for port in range(3)]
        for wire in wires:
            wire.send(SLOW)
        for port in range(20):
            server.now += 1
            wires.append(Wire(server, port=10 + port))
        assert [wire.is_closing() for wire in wires[:3]] == [False] * 3
        assert sum(not wire.is_closing() for wire in wires) == 4
        assert not wires[-1].is_closing(), "the newest replaces the one before it"

    async def test_of_busy_ones_alone_none_is_ended_for_a_new_one(self) -> None:
        server = WireServer(Held(), per_client=3)
        wires = [Wire(server, port=port) for port in range(3)]
        for wire in wires:
            wire.send(SLOW)
        newest = Wire(server, port=9)
        assert newest.is_closing()
        assert not any(wire.is_closing() for wire in wires)

    async def test_an_answer_that_is_not_received_yet_is_no_idleness(self) -> None:
        server = WireServer(EchoAtOnce(), per_client=2)
        slow, idle = Wire(server, port=1), Wire(server, port=2)
        slow.client_reads = False
        slow.send(READY * 1_500)
        await settle()
        server.now += 10
        idle.send(READY)
        await settle()
        Wire(server, port=3)
        assert (slow.is_closing(), idle.is_closing()) == (False, True)

    async def test_clients_count_apart_and_proxies_not_at_all(self) -> None:
        server = WireServer(Held(), per_client=2, client_of=by_address)
        hosts = [f"192.0.2.{number}" for number in range(5)] * 2
        wires = [Wire(server, host=host, port=number) for number, host in enumerate(hosts)]
        wires += [Wire(server, host="10.0.0.1", port=100 + number) for number in range(50)]
        assert not any(wire.is_closing() for wire in wires)
        assert Wire(server, host="192.0.2.1", port=900)
        assert sum(wire.is_closing() for wire in wires) == 1

    async def test_a_proxy_has_the_time_of_an_idle_connection(self) -> None:
        server = WireServer(Echo(), client_of=by_address)
        wire = Wire(server, host="10.0.0.1")
        server.pass_time(IDLE_S)
        assert not wire.is_closing()
        server.pass_time(0.1)
        assert wire.is_closing()
        assert not any(server.ended.values())

    async def test_when_there_are_too_many_in_all_the_idle_make_room(self) -> None:
        server = WireServer(Held(), total=100)
        busy = [Wire(server, port=port) for port in range(50)]
        for wire in busy:
            wire.send(SLOW)
        idle = []
        for port in range(41):
            server.now += 1
            idle.append(Wire(server, port=100 + port))
        ended = [wire.is_closing() for wire in idle]
        assert ended == [True] * 11 + [False] * 30, "the longest idle, down to eight tenths"
        assert not any(wire.is_closing() for wire in busy)
        assert server.ended[EndReason.total] == 11
        assert len(server.open) == 80

    async def test_when_all_are_busy_the_newest_is_ended(self) -> None:
        server = WireServer(Held(), total=10)
        wires = []
        for port in range(10):
            wires.append(Wire(server, port=port))
            wires[-1].send(SLOW)
        newest = [Wire(server, port=20 + number) for number in range(5)]
        assert not any(wire.is_closing() for wire in wires)
        assert all(wire.is_closing() for wire in newest)
        assert len(server.open) == 10

    async def test_a_crowd_that_stays_is_looked_through_once_a_tick(self) -> None:
        server = WireServer(Held(), total=100)
        watching = [Wire(server, port=port) for port in range(90)]
        for wire in watching:
            wire.send(HANDSHAKE)
        await settle()
        server.open = crowd = Counted(server.open)
        new = [Wire(server, port=100 + port) for port in range(30)]
        assert crowd.walks == 1
        assert [wire.is_closing() for wire in new] == [False] * 10 + [True] * 20, "the newest"
        server.now += 1
        for port in range(30):
            Wire(server, port=200 + port)
        assert crowd.walks == 2
        assert [wire.is_closing() for wire in new[:10]] == [True] * 10, "they are idle by now"
        assert len(server.open) == 100
        assert not any(wire.is_closing() for wire in watching)

    async def test_idle_ones_make_room_as_often_as_they_fill_it(self) -> None:
        server = WireServer(Held(), total=100)
        server.open = crowd = Counted(server.open)
        for port in range(500):
            assert not Wire(server, port=port).is_closing()
            assert len(server.open) <= 90
        assert crowd.walks == 38, "once for every eleven"

    async def test_what_ends_is_forgotten(self) -> None:
        server = WireServer(Held(), per_client=2)
        for number in range(100):
            wire = Wire(server, host=f"192.0.2.{number % 7}", port=number)
            wire.send((b"", SLOW, HANDSHAKE, b"nonsense\r\n\r\n", READY)[number % 5])
        await settle()
        for each in list(server.open):
            each.abort()
        await settle()
        assert not server.open
        assert not server._by_client


STATES: dict[str, Callable[[Wire], None]] = {
    "fresh": lambda wire: None,
    "idle": lambda wire: wire.send(READY),
    "head": lambda wire: wire.send(SLOW[:9]),
    "lingering": lambda wire: wire.send(b"nonsense\r\n\r\n"),
    "websocket": lambda wire: wire.send(HANDSHAKE),
    "gone": lambda wire: wire.reset(),
}
"""What ends at once when the server stops."""


class TestStop:
    @pytest.mark.parametrize("state", STATES)
    async def test_what_waits_for_nothing_is_closed_at_once(self, state: str) -> None:
        server = WireServer(Held())
        wire = Wire(server)
        STATES[state](wire)
        await settle()
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        assert wire.lost or state == "websocket", "its client may still answer"
        server.pass_time(LINGER_S + 0.1)
        await stopping
        assert wire.lost
        assert wire.misused == []
        assert not server.open

    async def test_a_websocket_is_told_why(self) -> None:
        server = WireServer(Held())
        wire = Wire(server)
        wire.send(HANDSHAKE)
        await settle()
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        assert wire.received.endswith(b"\x88\x02\x03\xe9"), "a close frame with 1001"
        assert wire.half_closed
        wire.send_eof()
        await stopping
        assert wire.lost

    @pytest.mark.parametrize("ahead", [b"", SLOW + CANARY])
    async def test_a_request_under_way_is_answered_and_none_follows(self, ahead: bytes) -> None:
        app = Held()
        server = WireServer(app)
        wire = Wire(server)
        wire.send(SLOW + ahead)
        await settle()
        stopping = asyncio.create_task(server.stop(hang_up=False))
        await settle()
        assert not stopping.done()
        app.may_answer.set()
        await settle()
        (answer,) = responses(bytes(wire.received))
        assert answer.headers[b"connection"] == b"close"
        wire.send_eof()
        await stopping

    async def test_a_body_that_is_still_coming_is_waited_for(self) -> None:
        app = Held()
        app.may_answer.set()
        server = WireServer(app)
        wire = Wire(server)
        posted = sized(b"POST", b"/", b"abcdef")
        wire.send(posted[:-3])
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        wire.send(posted[-3:])
        await stopping
        assert app.seen[4_000][0].body == b"abcdef"
        assert wire.lost

    async def test_one_whose_client_is_gone_is_waited_for_too(self) -> None:
        app = Held()
        server = WireServer(app)
        wire = Wire(server)
        wire.send(SLOW)
        await settle()
        wire.reset()
        await settle()
        assert not server.open
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        assert not stopping.done(), "it may be in the middle of a transaction"
        app.may_answer.set()
        await stopping
        assert app.cancelled == 0

    async def test_what_does_not_end_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_module, "STOP_WITHIN_S", 0.01)
        app = Held()
        server = WireServer(app)
        wires = [Wire(server, port=port) for port in range(3)]
        wires[0].send(SLOW)
        wires[1].send(sized(b"POST", b"/", b"abc")[:-1])
        wires[2].send(HANDSHAKE.replace(b"/live", b"/slow"))
        await settle()
        await server.stop(hang_up=True)
        await settle()
        assert app.cancelled == 3
        assert all(wire.lost for wire in wires)
        assert not server.running
        assert all(wire.misused == [] for wire in wires)

    async def test_a_handshake_that_is_accepted_meanwhile_is_closed(self) -> None:
        may_accept = asyncio.Event()

        class Late(Held):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                await may_accept.wait()
                await super().__call__(scope, receive, send)

        server = WireServer(Late())
        wire = Wire(server)
        wire.send(HANDSHAKE)
        await settle()
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        may_accept.set()
        await settle()
        assert wire.received.endswith(b"\x88\x02\x03\xe9")
        wire.send_eof()
        await stopping

    async def test_a_connection_that_is_accepted_meanwhile_is_closed(self) -> None:
        app = Held()
        server = WireServer(app)
        Wire(server).send(SLOW)
        await settle()
        stopping = asyncio.create_task(server.stop(hang_up=True))
        await settle()
        late = Wire(server, port=2)
        await settle()
        assert late.lost
        app.may_answer.set()
        await stopping

    async def test_to_stop_twice_is_to_stop(self) -> None:
        app = Held()
        server = WireServer(app)
        wire = Wire(server)
        wire.send(SLOW)
        await settle()
        both = asyncio.gather(server.stop(hang_up=True), server.stop(hang_up=True))
        await settle()
        app.may_answer.set()
        await both
        await server.stop(hang_up=False)
        assert len(responses(bytes(wire.received))) == 1


class TestAtOnce:
    async def test_one_that_fails_is_answered_in_the_usual_way(self) -> None:
        class Fails(Echo):
            def at_once(self, *_words: Any) -> object:
                raise ValueError("a fault")

        app = Fails()
        server = WireServer(app)
        wire = Wire(server)
        wire.send(READY * 3)
        await settle()
        assert [each.status for each in responses(bytes(wire.received))] == [200] * 3
        assert len(server.reports.crashes) == 3

    async def test_it_is_not_asked_about_what_has_a_body_or_changes_the_connection(self) -> None:
        asked: list[bytes] = []

        class Asks(Echo):
            def at_once(self, _method: bytes, target: bytes, *_words: Any) -> object:
                asked.append(target)
                return None

        server = WireServer(Asks())
        every = [
            plain(b"GET", b"/1", b"Connection: keep-alive"),
            plain(b"GET", b"/2", b"Connection: keep-alive", minor=0),
            plain(b"GET", b"/3", b"Upgrade: h2c"),
            plain(b"GET", b"/4", b"Connection: x"),
            sized(b"POST", b"/5", b""),
            plain(b"GET", b"/6"),
            plain(b"POST", b"/7"),
        ]
        wire = Wire(server)
        wire.send(b"".join(every))
        await settle()
        assert asked == [b"/1", b"/6", b"/7"]
        assert len(responses(bytes(wire.received))) == len(every)


class TestTick:
    async def test_one_connection_that_fails_keeps_no_other_from_its_end(self) -> None:
        server = WireServer(Echo())
        expired: list[bool] = []

        class Fails:
            deadline = -1.0

            def expire(self) -> None:
                expired.append(True)
                raise OSError

        server.open.update((Fails(), Fails()))  # type: ignore[arg-type]
        before = server._ticking
        server._tick()
        assert len(expired) == 2
        assert len(server.reports.crashes) == 2
        assert server._ticking is not before
        server._ticking.cancel()

    async def test_the_date_is_that_of_the_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        server = WireServer(Echo())
        found = []
        for seconds in (1_767_225_599.9, 1_767_225_600.1):
            monkeypatch.setattr(server_module, "time", lambda seconds=seconds: seconds)
            server._tick()
            server._ticking.cancel()
            found.append(server.date)
        assert found == [
            b"date: Wed, 31 Dec 2025 23:59:59 GMT\r\n",
            b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
        ]
