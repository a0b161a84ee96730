"""What the tests of logs share: a clock that stands still, and a structlog of their own."""

from collections.abc import Iterator

import pytest
import structlog

AT_MS = 1_702_049_445_123


class StandingClock:
    def now_ms(self) -> int:
        return AT_MS

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(autouse=True)
def fresh_structlog() -> Iterator[None]:
    before = structlog.get_config()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    structlog.configure(**before)
