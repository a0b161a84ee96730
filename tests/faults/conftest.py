"""Both HTTP servers, for the tests of what must hold on each of them."""

from collections.abc import Iterator

import pytest
from tests.support import process


@pytest.fixture(scope="module", params=["own", pytest.param("granian", marks=pytest.mark.long)])
def http_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test of a module that uses it runs on our own server and, under `long`, on granian."""
    process.SERVED_BY["HTTP_SERVER"] = request.param
    yield request.param
    process.SERVED_BY.clear()
