"""The loop of these tests: asyncio's own, whose queue `wire.settle` can look into."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
