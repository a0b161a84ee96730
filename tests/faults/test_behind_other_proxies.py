"""nginx and HAProxy as docs/running.md configures them."""

import pytest
from tests.support.behind_a_proxy import BehindAProxy

pytestmark = pytest.mark.long


class TestNginx(BehindAProxy):
    language = "nginx"


class TestHaproxy(BehindAProxy):
    language = "haproxy"
