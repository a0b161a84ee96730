"""Caddy as docs/running.md configures it. `tests/long` has the proxies that must be installed."""

from tests.support.behind_a_proxy import BehindAProxy


class TestCaddy(BehindAProxy):
    language = "caddyfile"
