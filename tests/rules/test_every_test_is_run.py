"""`make test` runs every test but the long ones, `make faults` runs those, and CI runs both."""

import argparse
import re
import shlex
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark.expression import Expression
from tests.support.repository import ROOT, name_of

FILES = sorted((ROOT / "tests").rglob("test_*.py"))


class Run(NamedTuple):
    """One call of pytest: what it selects."""

    paths: list[Path]
    ignored: list[Path]
    marks: Expression

    def takes(self, path: Path, marks: set[str]) -> bool:
        """Whether a test in this file that has these marks is run."""
        return (
            any(path.is_relative_to(each) for each in self.paths)
            and not any(path.is_relative_to(each) for each in self.ignored)
            and self.marks.evaluate(lambda name, **_fields: name in marks)
        )


@cache
def runs(target: str, makefile: str) -> list[Run]:
    """The calls of pytest by which a target is made; an option that is not known is an error."""
    match = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert match, target
    options = argparse.ArgumentParser(exit_on_error=False)
    options.add_argument("paths", nargs="*", type=absolute, default=[ROOT / "tests"])
    options.add_argument("--ignore", dest="ignored", action="append", type=absolute, default=[])
    options.add_argument("-m", dest="marks", type=Expression.compile, required=True)
    for how in ("-n", "--dist"):
        options.add_argument(how)
    options.add_argument("--no-loadscope-reorder", action="store_true")
    lines = [line.strip() for line in match[1].splitlines()]
    calls = [line.removeprefix("$(BIN)/pytest ") for line in lines if "pytest" in line]
    parsed = [options.parse_args(shlex.split(call)) for call in calls]
    return [Run(each.paths, each.ignored, each.marks) for each in parsed]


def absolute(path: str) -> Path:
    return ROOT / path


def places(makefile: str, path: Path, marks: set[str]) -> list[str]:
    """The targets that run a test, once for each time that they do."""
    return [
        target
        for target in ("test", "faults")
        for run in runs(target, makefile)
        if run.takes(path, marks)
    ]


MAKEFILE = (ROOT / "Makefile").read_text()


def test_each_test_is_run_once_by_its_target() -> None:
    strays = {
        (name_of(path), target)
        for path in FILES
        for marks, target in ((set[str](), "test"), ({"long"}, "faults"))
        if places(MAKEFILE, path, marks) != [target]
    }
    assert strays == set()


def test_ci_makes_both_targets() -> None:
    made = (ROOT / ".ci/run").read_text().splitlines()
    assert {"make test", "make faults"} <= set(made)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('-m "not long" -n 3', '-m "not long" -n 3 --ignore=tests/faults'),
        ('-m "not long" -n 3', '-m "not long" -n 3 tests/http'),
        ('-m "not long"', '-m "not long or anyio"'),
        ("-m long", '-m "long and not anyio"'),
        ("-m long", "-m long --ignore=tests/faults"),
    ],
)
def test_a_test_that_is_left_out_or_run_twice_would_be_found(was: str, becomes: str) -> None:
    assert was in MAKEFILE
    changed = MAKEFILE.replace(was, becomes)
    taken = [
        places(changed, path, marks)
        for path in FILES
        for marks in (set[str](), {"long"}, {"long", "anyio"})
    ]
    assert any(len(each) != 1 for each in taken)
