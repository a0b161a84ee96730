"""The rules that a connection may break, decided from what was seen of all of them.

Pure: the time is an argument, and nothing here touches a socket. `connections` looks at the sockets
and ends them.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from event_seating.http_server.limits import (
    CROWDED,
    EASED,
    HEAD_WITHIN_S,
    SOCKET_BYTES_MAX,
    EndReason,
)

Peer = tuple[str, int]
"""The address and the port of a client, which no two connections of ours share."""


class ConnectionLimits(NamedTuple):
    """How many connections there may be."""

    total: int
    per_address: int
    """WebSockets are not counted: the live updates have a cap of their own for them."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Their connections are those of many clients, so they are not counted by address."""


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
    """When the head that is arriving began."""
    ended: bool = False


def to_end(
    connections: Collection[Connection], limits: ConnectionLimits, now: float
) -> Iterator[tuple[Connection, EndReason]]:
    """The connections that break a rule, and which rule."""
    by_client: dict[int | str, list[Connection]] = {}
    for each in connections:
        if each.websocket:
            if sent_too_much(each):
                yield each, EndReason.messages
        else:
            if each.head_since is not None and now - each.head_since > HEAD_WITHIN_S:
                yield each, EndReason.head
            if not each.of_proxy:
                by_client.setdefault(each.client, []).append(each)
    for theirs in by_client.values():
        surplus = len(theirs) - limits.per_address
        if surplus > 0:
            theirs.sort(key=_dispensable(now))
            yield from ((each, EndReason.address) for each in theirs[:surplus])
    if len(connections) > CROWDED * limits.total:
        idle = [each for each in connections if not (each.busy or each.websocket)]
        idle.sort(key=_dispensable(now))
        surplus = len(connections) - int(EASED * limits.total)
        yield from ((each, EndReason.total) for each in idle[:surplus])


def sent_too_much(websocket: Connection) -> bool:
    """Whether a WebSocket has sent more than anybody needs to."""
    return websocket.received - websocket.received_before > SOCKET_BYTES_MAX


def _dispensable(now: float) -> Callable[[Connection], tuple[bool, float]]:
    """The order in which to end them: the longest idle first; of busy ones the newest first."""
    return lambda each: (each.busy, now - each.since if each.busy else -each.idle_s)
