"""What the pages name exists: links, paths, tests, make targets, commands, settings, topics."""

import re
from pathlib import Path

import pytest
import typer
from tests.support import markdown
from tests.support.repository import ROOT, make_targets, name_of, pages
from typer.core import TyperGroup

from event_seating.cli import cli
from event_seating.settings.describe import environment_name
from event_seating.settings.model import Settings

PLACES = ("src", "tests", "docs", "deploy", "benchmarks", "requirements")
MADE = {"benchmarks/results/last.md"}
"""Named, and there only after a command has made it."""

TOPICS = set(
    re.findall(r'^    "([a-z-]+)": ', (ROOT / "benchmarks/__main__.py").read_text(), re.MULTILINE)
)
SETTINGS = {environment_name(name) for name in Settings.model_fields}
OTHERS = {"NODE_ENV", "NO_COLOR", "SITE_ADDRESS"}
"""The first two are read by `settings` and by the log, the last by compose.yaml alone."""

KNOWN = SETTINGS | {f"{name}_FILE" for name in Settings.secret_names} | OTHERS

OUR_COMMAND = re.compile(r"\bevent-seating ([a-z][a-z-]*)")
"""Wherever it stands: alone, after a prompt or a path, in any line, after `docker run`."""

each_page = pytest.mark.parametrize("page", pages(), ids=name_of)


@each_page
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in markdown.links(page.read_text()):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        if anchor:
            assert anchor in markdown.anchors(target.read_text()), link


@each_page
def test_each_path_that_is_named_exists(page: Path) -> None:
    pattern = rf"(?<![\w/.-])(?:{'|'.join(PLACES)})/[\w./-]*\w(?:::\w+)?"
    for code in markdown.code(page.read_text()):
        for named in re.findall(pattern, code):
            path, _, test = named.partition("::")
            if "NNNN" in path or path in MADE:
                continue
            assert (ROOT / path).exists(), named
            if test:
                assert f"def {test}(" in (ROOT / path).read_text(), named


@each_page
def test_each_command_that_is_named_exists(page: Path) -> None:
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands
                if command.callback}  # fmt: skip
    for code in markdown.code(page.read_text()):
        assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= make_targets()
        assert set(OUR_COMMAND.findall(code)) <= commands
        assert set(re.findall(r"--only ([a-z][a-z-]*)", code)) <= TOPICS


@pytest.mark.parametrize(
    "code",
    [
        "event-seating serve",
        "$ .venv/bin/event-seating serve --port 1",
        "export A=1\nevent-seating serve\n",
        "docker run --rm event-seating serve",
        "ExecStart=/opt/event-seating/bin/event-seating serve",
    ],
)
def test_a_command_is_found_wherever_it_stands(code: str) -> None:
    assert OUR_COMMAND.findall(code) == ["serve"]


@each_page
def test_each_setting_that_is_given_a_value_exists(page: Path) -> None:
    for code in markdown.code(page.read_text()):
        assert set(re.findall(r"\b([A-Z][A-Z0-9_]{2,})=", code)) <= KNOWN


def test_each_target_of_the_makefile_is_in_the_page_for_those_who_change_it() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    named = {cells[0].strip("`").removeprefix("make ") for cells in markdown.rows(page, "target")}
    assert named == make_targets() - {"help"}


def test_each_page_can_be_reached_from_the_readme() -> None:
    reached, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in markdown.links(page.read_text()))
        left += [(page.parent / link).resolve() for link in links if link and "://" not in link]
    assert reached == set(pages())


def test_each_command_and_option_is_in_the_page_on_running_it() -> None:
    rows = markdown.rows((ROOT / "docs/running.md").read_text(), "command")
    written = {cells[0].strip("`"): set(re.findall(r"`(--[a-z-]+)`", cells[1])) for cells in rows}
    group = typer.main.get_command(cli)
    assert isinstance(group, TyperGroup)
    assert written == {
        name: {option for parameter in command.params for option in parameter.opts} - {"--help"}
        for name, command in group.commands.items()
    }
