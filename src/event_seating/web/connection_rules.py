"""The rules that a connection may break, decided from what was seen of all of them.

Pure: the time is an argument, and nothing here touches a socket. `connections` looks and ends.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

HEAD_WITHIN_S: Final = 10.0
"""From the first byte of a request, or from the connection's start, to the end of its head. Heads
come in one packet or two; a proxy or a preloading browser that opens one for later opens it again.
"""

SOCKET_BYTES_MAX: Final = 64 * 1024
"""What a WebSocket may send in all, its request included, since nobody has anything to say here: a
heartbeat of 26 bytes every two seconds for eighty minutes. Then it is cut off, and comes back by
its version without missing anything."""

FULL: Final = 0.9
"""The share of all connections from which on idle ones make room for new ones."""

EASED: Final = 0.8
"""The share that is left when they have."""

Peer = tuple[str, int]
"""The address and the port of a client, which no two connections of ours share."""


class Why(StrEnum):
    """Why a connection was ended; a label of the metrics."""

    head = "head"
    messages = "messages"
    address = "address"
    total = "total"


class Limits(NamedTuple):
    """How many connections there may be."""

    total: int
    per_address: int
    """WebSockets are not counted: the live updates have a cap of their own for them."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose connections are those of many clients, and not counted by address."""


@dataclass(slots=True)
class Connection:
    """One connection, and what has been seen of it."""

    descriptor: int
    peer: Peer
    inode: int
    """The kernel's number of its socket, which tells it from an earlier one of the same peer."""
    since: float
    """When it was first seen, in monotonic seconds."""
    client: int | str = ""
    """What its address counts as."""
    of_proxy: bool = False
    busy: bool = False
    """A request is under way."""
    websocket: bool = False
    idle_s: float = 0.0
    """Since the last byte went either way; since its start where the kernel does not say."""
    received: int = 0
    """Bytes since its start."""
    received_before: int = 0
    """Bytes that it had sent at the last look before it became a WebSocket."""
    head_since: float | None = None
    """Since when a head is on its way."""
    ended: bool = False


def to_end(
    connections: Collection[Connection], limits: Limits, now: float
) -> Iterator[tuple[Connection, Why]]:
    """The connections that break a rule, and which."""
    by_client: dict[int | str, list[Connection]] = {}
    for each in connections:
        if each.websocket:
            if said_too_much(each):
                yield each, Why.messages
        else:
            if each.head_since is not None and now - each.head_since > HEAD_WITHIN_S:
                yield each, Why.head
            if not each.of_proxy:
                by_client.setdefault(each.client, []).append(each)
    for theirs in by_client.values():
        surplus = len(theirs) - limits.per_address
        if surplus > 0:
            theirs.sort(key=_dispensable(now))
            yield from ((each, Why.address) for each in theirs[:surplus])
    if len(connections) > FULL * limits.total:
        idle = [each for each in connections if not (each.busy or each.websocket)]
        idle.sort(key=_dispensable(now))
        surplus = len(connections) - int(EASED * limits.total)
        yield from ((each, Why.total) for each in idle[:surplus])


def said_too_much(websocket: Connection) -> bool:
    """Whether a WebSocket has sent more than anybody needs to."""
    return websocket.received - websocket.received_before > SOCKET_BYTES_MAX


def _dispensable(now: float) -> Callable[[Connection], tuple[bool, float]]:
    """Idle ones first, those first that have been so the longest; then the newest."""
    return lambda each: (each.busy, now - each.since if each.busy else -each.idle_s)
