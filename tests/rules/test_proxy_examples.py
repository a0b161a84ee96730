"""What each reverse proxy of docs/running.md, and that of compose.yaml, is told.

That they do it is seen by `tests/faults/test_behind_caddy.py` and the one of the other proxies;
here are the numbers, which a short run cannot show.
"""

import re
from typing import Final

import pytest
from tests.support.proxies import OF_COMPOSE, block

from event_seating.http_server.limits import IDLE_S
from event_seating.live.feed import HEARTBEAT_S
from event_seating.venues.routes import MAP_BYTES_MAX

MISSED_HEARTBEATS: Final = 2
"""A watcher's connection outlives one that is late."""

MIB: Final = 1024 * 1024

each_caddy = pytest.mark.parametrize("language", ["caddyfile", OF_COMPOSE])


def number(pattern: str, text: str) -> int:
    """The only number that is written so."""
    (found,) = re.findall(rf"^\s*{pattern}$", text, re.MULTILINE)
    return int(found)


def test_nginx_waits_for_heartbeats_takes_the_largest_body_and_keeps_the_host() -> None:
    text = block("nginx")
    assert number(r"proxy_read_timeout (\d+)s;", text) > MISSED_HEARTBEATS * HEARTBEAT_S
    assert number(r"client_max_body_size (\d+)m;", text) * MIB > MAP_BYTES_MAX
    assert "proxy_set_header Host $http_host;" in text
    assert "proxy_set_header Upgrade $http_upgrade;" in text
    assert number(r"limit_conn addresses (\d+);", text) > 0
    assert "keepalive_timeout" not in text, "of the upstream: 60 s by default"


def test_haproxy_waits_for_heartbeats_and_counts_connections() -> None:
    text = block("haproxy")
    for side in ("client", "server", "tunnel"):
        assert number(rf"timeout {side} (\d+)s", text) > MISSED_HEARTBEATS * HEARTBEAT_S
    assert number(r"maxconn (\d+)", text) > 0
    assert number(r"tcp-request connection reject if \{ sc0_conn_cur gt (\d+) \}", text) > 0


@each_caddy
def test_caddy_takes_the_largest_body_and_counts_connections(language: str) -> None:
    text = block(language)
    assert number(r"max_size (\d+)MiB", text) * MIB > MAP_BYTES_MAX
    assert number(r"max_conns_per_host (\d+)", text) > 0
    # It has no timeout of a silent WebSocket; `stream_timeout` would end those that are used.
    assert "stream_timeout" not in text


@each_caddy
def test_caddy_never_uses_a_connection_that_the_service_may_have_closed(language: str) -> None:
    assert number(r"keepalive (\d+)s", block(language)) < IDLE_S
