"""nginx and HAProxy as docs/running.md configures them, and the Caddy of compose.yaml."""

import pytest
from tests.support.behind_a_proxy import BehindAProxy
from tests.support.proxies import OF_COMPOSE

pytestmark = pytest.mark.long


class TestNginx(BehindAProxy):
    language = "nginx"
    refuses_crowds = True


class TestHaproxy(BehindAProxy):
    language = "haproxy"
    refuses_crowds = True


class TestCaddyOfCompose(BehindAProxy):
    language = OF_COMPOSE
