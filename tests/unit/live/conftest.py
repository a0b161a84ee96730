"""The ways in which frames reach those who watch."""

import pytest
from tests.unit.live.watching import FromConnection, FromQueue, Stage


@pytest.fixture(params=[FromQueue, FromConnection])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test for each of them."""
    monkeypatch.setattr(Stage, "reading", request.param, raising=False)
