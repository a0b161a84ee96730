"""docs/settings.md and the settings are the same."""

import re

from tests.rules import markdown
from tests.rules.repository import ROOT

from event_seating.settings import describe
from event_seating.settings.model import Settings

PAGE = (ROOT / "docs/settings.md").read_text()


def test_the_page_names_each_setting_with_its_default_and_its_help() -> None:
    expected = [
        [f"`{name}`", default if default == "(none)" else f"`{default}`", help_]
        for name, default, help_ in describe.described()
    ]
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in expected)
    assert markdown.rows(PAGE, "name") == expected, f"these are its rows:\n{rows}"


def test_the_page_names_each_secret_that_may_come_as_a_file() -> None:
    after = PAGE.partition("may also come as files")[0].rsplit("\n", 1)[1]
    assert sorted(Settings.secret_names) == sorted(re.findall(r"`(\w+)`", after))


def test_the_command_prints_each_setting() -> None:
    printed = describe.as_text()
    for name, default, help_ in describe.described():
        assert f"{name} = {default}\n    {help_}" in printed
