"""A small soak: what a process keeps does not grow with what was held, read and given back.

Counted is everything that can be reached from the service's parts, wherever it is kept: a list that
grows by one a round is found, and no limit of memory has to be guessed.
"""

import gc
import types
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.seating import on_sale
from tests.support.service import Service, in_process

from event_seating.booking.core import cool_down, expiries, ledger

pytestmark = pytest.mark.anyio

ROUNDS = [
    pytest.param(24, id="24 rounds"),
    pytest.param(60, id="60 rounds", marks=pytest.mark.long),
]
GONE_MAX = 20
"""As 50,000 would be reached after 50,000 rounds."""

NOT_OURS = (types.ModuleType, type, types.CodeType, types.FrameType)

LIBRARIES = {"sqlalchemy", "aiosqlite", "asyncio", "_asyncio", "sqlite3"}
"""What their objects lead to comes and goes with each statement; they keep nothing of ours."""


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    async with in_process(seating_rate_limits=()) as running:
        yield running


def reached(root: object) -> int:
    """How many objects can be reached from this one, code left out."""
    seen: set[int] = set()
    rest: list[Any] = [root]
    while rest:
        each = rest.pop()
        if id(each) in seen or isinstance(each, NOT_OURS):
            continue
        if type(each).__module__.partition(".")[0] in LIBRARIES:
            continue
        seen.add(id(each))
        if isinstance(each, types.FunctionType):
            rest += [*(each.__closure__ or ()), *(each.__defaults__ or ())]
        else:
            rest += gc.get_referents(each)
    return len(seen)


async def play(service: Service, event: str, numbers: range) -> None:
    for number in numbers:
        key = {"idempotency-key": f"{number:030}"}
        body = {"seats": [f"A-1-{number % 10 + 1}"]}
        path = f"/events/{event}"
        held = await service.client.post(f"{path}/holds", json=body, headers=key)
        assert held.status_code == 201, held.text
        token = held.json()["holdToken"]
        for read in (f"{path}/seats", f"{path}/seats?format=compact", f"/holds/{token}"):
            assert (await service.client.get(read)).status_code == 200
        assert (await service.client.delete(f"/holds/{token}", headers=key)).status_code == 204
        assert (await service.client.get(f"/holds/{token}")).status_code == 410


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_what_is_kept_does_not_grow_with_what_was_held_and_given_back(
    service: Service, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    monkeypatch.setattr(ledger, "TOMBSTONES_MAX", GONE_MAX)
    for module in (expiries, cool_down):
        monkeypatch.setattr(module, "SPARE", GONE_MAX)
    event = await on_sale(service)
    counts = []
    for turn in range(3):
        await play(service, event, range(turn * rounds, (turn + 1) * rounds))
        gc.collect()
        counts.append(reached(service.parts))
    # The first turn fills what has room; from then on not an object for every second round.
    assert counts[2] - counts[1] < rounds // 2, counts
    log = await service.parts.seat_logs.get(event)
    assert len(log.states.ledger.tombstones) == GONE_MAX


async def test_a_thing_that_is_kept_for_each_round_would_be_found(service: Service) -> None:
    before = reached(service.parts)
    held = [object() for _ in range(24)]
    service.parts.seat_logs.listen(lambda *_changes: held.clear())
    assert reached(service.parts) - before >= len(held)
