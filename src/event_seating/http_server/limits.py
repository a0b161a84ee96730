"""What bounds connections: how many there may be, how long a client may take, how much it may send.

Each limit holds for every connection, whatever the application behind the server does. How long and
how large a request's body may be is the application's to say, since it knows who sends it.
"""

import resource
from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Final, NamedTuple

BACKLOG: Final = 4096
"""Connections that wait to be accepted: the rush at ten o'clock, and a worker's restart."""

CONNECTIONS_MAX: Final = 16_384
"""Open connections a process; each takes a few kilobytes."""

OWN_DESCRIPTORS: Final = 256
"""Descriptors for everything else: databases, Redis, logs. If connections took them all, nothing
else could be opened, and accepting would fail again and again."""

CONNECTIONS_MIN: Final = 64
"""The least, however few descriptors there are; a warning at the start says so."""

CROWDED: Final = 0.9
"""Above this share of all connections, idle ones are closed to make room for new ones."""

EASED: Final = 0.8
"""The share down to which they are closed."""

HEAD_BYTES_MAX: Final = 16 * 1024
"""A request's line and fields together: several times what browsers and proxies send. Fifteen
thousand clients that each send as much of a head as they may fill 240 MB."""

TARGET_BYTES_MAX: Final = 8 * 1024 + 1
"""The target in a request's line: what nginx lets through. The application refuses one of just that
length itself, with its own words."""

FIELDS_MAX: Final = 100
"""Fields of a head; browsers behind two proxies send thirty."""

FIELDS_REMEMBERED_BYTES_MAX: Final = 2 * 1024
"""Fields that an idle connection keeps, read, for its next request: what browsers send."""

HEAD_WITHIN_S: Final = 10.0
"""How long a head may take, from its first byte or from the connection's start to its end. Heads
come in one packet or two. A proxy or a browser that opened a connection in advance opens another.
"""

IDLE_S: Final = 75.0
"""How long a connection may wait for its next request. Longer than the 60 s for which load
balancers keep theirs, so that they never use one that was just closed here."""

WRITTEN_WITHIN_S: Final = 60.0
"""How long a client may take to receive the next 64 KiB of an answer or of a WebSocket's messages,
or their end."""

LINGER_S: Final = 2.0
"""How long the rest of a refused request is still read and dropped: closing at once would reset the
connection, and the client might never see why it was refused."""

SENT_MS_MAX: Final = 60_000
"""How long sent bytes may stay unacknowledged: a client whose network is gone says nothing, and
the kernel would wait for a quarter of an hour. With the heartbeats of live updates every one of
them is noticed."""

BUFFERED_BYTES_MAX: Final = 64 * 1024
"""Bytes of a body, or of requests sent ahead, that wait in memory; then no more is read until some
of them are used."""

REQUESTS_A_STEP: Final = 32
"""Requests sent ahead that are answered in one step of the event loop: about half a millisecond."""

TOGETHER_MAX: Final = 64
"""Connections whose responses are written together at the end of a step. With more, the first of
thousands that ask at once would wait until all of them are answered; with as many, next to nothing
of what it is for is lost."""

TOGETHER_BYTES_MAX: Final = 16 * 1024
"""A longer response does not wait for the others: writing it takes longer than waking a client."""

SOCKET_BYTES_MAX: Final = 64 * 1024
"""How much a WebSocket may send in all. Clients have nothing to send but heartbeats: 26 bytes every
two seconds for eighty minutes. Then it is closed; its client connects again with its version and
has missed nothing."""

MESSAGE_BYTES_MAX: Final = 1024
"""A message of a WebSocket; a longer one is refused before any of it is kept."""

STOP_WITHIN_S: Final = 10.0
"""How much time requests under way still have when the server stops."""

CUT_OFF_WITHIN_S: Final = 1.0
"""How much time a request has to end that is cut off then; a stop must end."""


class EndReason(StrEnum):
    """Why the server ended a connection; a label of the metrics."""

    head = "head"
    messages = "messages"
    address = "address"
    total = "total"
    malformed = "malformed"
    slow = "slow"


class ConnectionCaps(NamedTuple):
    """How many connections there may be."""

    total: int
    per_client: int
    """WebSockets are not counted: the live updates have a cap of their own for them."""
    client_of: Callable[[str], Hashable | None]
    """What an address counts as; None for a proxy's, which are those of many clients."""


def connections_max() -> int:
    """How many connections this process can have, below its limit of descriptors."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(CONNECTIONS_MAX, max(CONNECTIONS_MIN, descriptors - OWN_DESCRIPTORS))
