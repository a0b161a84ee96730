"""What the README promises to somebody who has Python, make and a clone, and nothing else yet."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import markdown, transcript
from tests.support.process import clean_environment
from tests.support.repository import files, name_of
from tests.support.transcript import Shell

SET_UP_WITHIN_S = 300
"""To fetch and install every wheel, where none is in a cache."""

pytestmark = [pytest.mark.long, pytest.mark.anyio, pytest.mark.timeout(SET_UP_WITHIN_S + 60)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of the repository, without an environment."""
    for path in files():
        copy = tmp_path / name_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return tmp_path


async def test_the_readme_holds_in_a_clone_without_an_environment(clone: Path) -> None:
    """`make run` sets all up, in an empty HOME; the rest of the page is typed after it."""
    (clone / "home").mkdir()
    assert not (clone / ".venv").exists()
    # A free port is given to the server, nothing else is.
    programs = {"make run": ["env", f"HOME={clone / 'home'}", "make", "run"]}
    async with Shell(clone, programs) as shell:
        for step in transcript.steps((clone / "README.md").read_text()):
            await shell.play(step)
    assert (clone / ".venv/bin/event-seating").exists()


async def test_the_wheel_is_installed_by_hand_as_the_page_says(clone: Path) -> None:
    page = (clone / "docs/running.md").read_text()
    section = page.partition("### By hand")[2].partition("\n### ")[0]
    (install,) = (block.text for block in markdown.blocks(section) if block.language == "sh")
    here = clone / "opt/event-seating"
    # `python3` is the one of these tests, wherever the machine's own may be.
    install = install.replace("/opt/event-seating", str(here)).replace("python3", sys.executable)
    await asyncio.to_thread(run, install, clone)
    programs = {"/opt/event-seating/bin/event-seating": [str(here / "bin/event-seating")]}
    async with Shell(clone, programs) as shell:
        for step in transcript.steps(section):
            await shell.play(step)


def run(script: str, directory: Path) -> None:
    """As somebody who copies the block into a terminal."""
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=SET_UP_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
