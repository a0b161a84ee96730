"""docs/settings.md and the settings are the same."""

import re

from tests.support import markdown
from tests.support.repository import ROOT
from typer.testing import CliRunner

from event_seating.cli import cli
from event_seating.settings import describe
from event_seating.settings.model import Settings

PAGE = (ROOT / "docs/settings.md").read_text()
ROWS = markdown.rows(PAGE, "name")


def test_the_page_names_each_setting_with_its_default_and_its_help() -> None:
    expected = [
        [f"`{name}`", default if default == "(none)" else f"`{default}`", help_]
        for name, default, help_ in describe.described()
    ]
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in expected)
    assert expected == ROWS, f"these are its rows:\n{rows}"


def test_the_page_names_each_secret_that_may_come_as_a_file() -> None:
    after = PAGE.partition("can also be read from files")[0].rsplit("\n", 1)[1]
    assert sorted(Settings.secret_names) == sorted(re.findall(r"`(\w+)`", after))


def test_the_command_prints_what_the_page_says() -> None:
    ran = CliRunner().invoke(cli, ["settings"])
    assert ran.exit_code == 0
    rows = [[cells[0].strip("`"), cells[1].strip("`"), cells[2]] for cells in ROWS]
    expected = [f"{name} = {default}\n    {help_}" for name, default, help_ in rows]
    assert ran.stdout == "\n".join(expected) + "\n"
