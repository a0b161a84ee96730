"""Caddy as docs/running.md configures it; the others have to be installed."""

from tests.support.behind_a_proxy import BehindAProxy


class TestCaddy(BehindAProxy):
    language = "caddyfile"
