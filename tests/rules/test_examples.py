"""What the pages show is what happens."""

import re
from pathlib import Path

import httpx
import pytest
from tests.support import markdown, transcript
from tests.support.repository import name_of, pages
from tests.support.transcript import Shell, Step

SHOWING = {page: steps for page in pages() if (steps := transcript.steps(page.read_text()))}

SHORT = {"README.md", "docs/api.md"}
"""The pages that are played each time; the others start more servers."""

PLAYED = [
    pytest.param(page, id=name, marks=[] if name in SHORT else pytest.mark.long)
    for page, name in ((page, name_of(page)) for page in SHOWING)
]


@pytest.mark.anyio
@pytest.mark.parametrize("page", PLAYED)
async def test_each_example_of_a_page_gives_what_it_shows(page: Path, tmp_path: Path) -> None:
    async with Shell(tmp_path) as shell:
        for step in SHOWING[page]:
            try:
                await shell.play(step)
            except AssertionError as error:
                raise AssertionError(f"{name_of(page)}: $ {step.command}\n{error}") from error


def test_the_readme_and_the_page_of_the_api_show_something() -> None:
    assert {name_of(page) for page in SHOWING} >= SHORT


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_block_with_curl_is_one_that_is_played(page: Path) -> None:
    for block in markdown.blocks(page.read_text()):
        if re.search(r"^(\$ )?curl\b", block.text, re.MULTILINE):
            assert block.language == "console"


class TestTheComparison:
    """That it would notice."""

    ANSWER = httpx.Response(
        404,
        headers={"x-a": "1", "x-request-id": "abc"},
        json={"code": "gone", "requestId": "abc", "at": "2026-01-01T00:00:00.001Z"},
    )
    BODY = '{"code":"gone","requestId":"x","at":"2020-01-01T00:00:00.5Z"}'.replace(".5Z", ".500Z")

    def test_ids_and_times_may_differ(self) -> None:
        shown = f"HTTP/1.1 404 Not Found\nx-a: 1\nx-request-id: 7\n…\n\n{self.BODY}"
        transcript.compare_answer(self.ANSWER, shown, with_headers=True)

    @pytest.mark.parametrize(
        "shown",
        [
            f"HTTP/1.1 200 OK\n…\n\n{BODY}",
            f"HTTP/1.1 404 Not Found\nx-a: 2\n…\n\n{BODY}",
            f"HTTP/1.1 404 Not Found\nx-b: 1\n…\n\n{BODY}",
            "HTTP/1.1 404 Not Found\n…\n\n" + BODY.replace("gone", "lost"),
            "HTTP/1.1 404 Not Found\n…\n\n" + BODY.replace("at", "on"),
            "HTTP/1.1 404 Not Found\n…\n\n" + BODY.replace('"x"', "7"),
            'HTTP/1.1 404 Not Found\n…\n\n{"code":"gone"}',
        ],
    )
    def test_all_else_may_not(self, shown: str) -> None:
        with pytest.raises(AssertionError):
            transcript.compare_answer(self.ANSWER, shown, with_headers=True)

    def test_a_drawn_id_stands_for_the_same_one_wherever_it_is_shown(self) -> None:
        drawn = {"aaaabbbbcccc": "k3v9xabc1234"}
        other = httpx.Response(200, json={"eventId": "zzzzyyyyxxxx"})
        with pytest.raises(AssertionError):
            transcript.compare_answer(
                other, '{"eventId":"aaaabbbbcccc"}', with_headers=False, drawn=drawn
            )
        transcript.compare_answer(
            other, '{"eventId":"ddddeeeeffff"}', with_headers=False, drawn=drawn
        )
        assert transcript.with_drawn("/events/ddddeeeeffff", drawn) == "/events/zzzzyyyyxxxx"

    def test_an_error_that_is_shown_as_none_is_noticed(self) -> None:
        with pytest.raises(AssertionError):
            transcript.compare_answer(self.ANSWER, self.BODY, with_headers=False)

    @pytest.mark.anyio
    async def test_a_command_that_cannot_be_played_is_an_error(self, tmp_path: Path) -> None:
        async with Shell(tmp_path) as shell:
            with pytest.raises(AssertionError):
                await shell.play(Step("wget localhost:3001/", ""))
