"""nginx and HAProxy as docs/running.md configures them."""

from tests.support.behind_a_proxy import BehindAProxy


class TestNginx(BehindAProxy):
    language = "nginx"


class TestHaproxy(BehindAProxy):
    language = "haproxy"
