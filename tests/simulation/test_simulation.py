"""No seat is sold twice: the real writer in a world that fails, and bugs that it must find."""

from collections import Counter

import pytest
from rich.console import Console
from tests.simulation.planted import BUGS

from event_seating.booking.core.refusals import RefusalCode
from event_seating.simulation import many
from event_seating.simulation.run import RunOutcome, Simulation

STEPS = 1_000

HAPPENED = {
    "answer of a commit lost": "fault answer of a commit lost",
    "commit that lands later": "fault commit late",
    "commit refused": "fault commit refused",
    "transaction cut off": "fault transaction cut off",
    "database unreachable": "fault database unreachable",
    "outage": "fault database away",
    "crash": "fault crash",
    "clock jump": "fault clock jump",
    "clock set after its time was refused": "clock set",
    "slow process": "fault slow process",
    "slow call": "fault slow call",
    "caller who left": "fault caller left",
    "snapshot written": "snapshot written",
    "snapshot spoilt": "fault snapshot spoilt",
    "race lost": "lost race",
    "unknown outcome": "unknown outcome",
    "repeated call": "replayed",
    "repeated call about a hold that ended": "repeated after the hold's end",
    "key of another call": "key reused",
    "guilty request": "guilty request",
    "dry run": "dry run",
    "hold that ran out": "hold expired",
    "booking within the grace": "late booking",
}
"""What must really have happened, by what it is counted as."""

RUNS_EACH = 4
"""Each of these happens in one run of so many at the least. Less would be chance."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(range(1, 13), id="12 seeds"),
        pytest.param(range(1, 221), id="220 seeds", marks=pytest.mark.long),
    ],
)
def outcomes(request: pytest.FixtureRequest) -> list[RunOutcome]:
    seeds: range = request.param
    outcomes = list(many.run_many(seeds, STEPS))
    assert len(outcomes) == len(seeds)
    return outcomes


@pytest.mark.timeout(300)
def test_nothing_is_broken_in_many_thousand_steps(outcomes: list[RunOutcome]) -> None:
    assert [f"seed {each.seed}: {each.broken}" for each in outcomes if each.broken] == []
    assert sum(each.steps for each in outcomes) >= len(outcomes) * STEPS


@pytest.mark.timeout(300)
def test_everything_that_can_go_wrong_did(outcomes: list[RunOutcome]) -> None:
    happened: Counter[str] = Counter()
    for outcome in outcomes:
        happened += outcome.happened
    often = len(outcomes) // RUNS_EACH
    rare = {what for what, counted in HAPPENED.items() if happened[counted] < often}
    assert rare == set()
    granted = {name for name in happened if name.startswith("granted ")}
    assert len(granted) == 15, "every kind of request was granted"
    # Not the rules' own: the service says it of a hold that they have forgotten.
    codes = set(RefusalCode) - {RefusalCode.hold_ended}
    missed = {code for code in codes if not happened[f"refused {code}"]}
    assert missed == set(), "every refusal occurred"


def test_a_run_is_a_function_of_its_seed() -> None:
    first, again, other = (Simulation(seed, 400).run() for seed in (7, 7, 8))
    assert first == again
    assert first.trace_hash != other.trace_hash


def test_a_run_is_the_same_in_another_process() -> None:
    here = [Simulation(seed, 300).run() for seed in (1, 2)]
    assert list(many.run_many([1, 2], 300, jobs=2)) == here


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_was_planted_is_found(bug: str) -> None:
    steps = 0
    for seed in range(1, 21):
        outcome = Simulation(seed, 1_000, BUGS[bug]).run()
        steps += outcome.steps
        if outcome.broken is not None:
            assert any(outcome.broken in line for line in outcome.trace)
            assert outcome.steps > 0, "a process that cannot start shows nothing"
            return
    pytest.fail(f"not found in {steps} steps")


def test_a_broken_run_names_its_seed_and_shows_its_last_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = BUGS["answer an unknown outcome as success"]
    monkeypatch.setattr(many, "run_one", lambda steps, seed: Simulation(seed, steps, parts).run())
    console = Console(record=True, width=200)
    assert many.simulate(range(1, 21), 1_000, 1, console) == many.EXIT_BROKEN
    shown = console.export_text()
    assert "BROKEN: " in shown
    assert "again: event-seating simulate --seed " in shown


def test_a_clean_run_says_how_many_steps_it_made() -> None:
    console = Console(record=True, width=200)
    assert many.simulate([3], 200, 1, console) == 0
    assert "nothing is broken" in console.export_text()
