"""What a process loads is there for as long as it lives: nothing that it never uses."""

import json
import subprocess
import sys

import pytest

LOADED = "import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"


def loaded_by(module: str) -> set[str]:
    """The packages that are loaded with a module, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(ran.stdout)}


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("event_seating.processes.supervisor", {"sqlalchemy", "fastapi", "asyncpg", "bullmq"}),
        ("event_seating.processes.server", {"granian", "icalendar", "jinja2", "aiosmtplib"}),
    ],
)
def test_a_process_loads_nothing_that_it_never_uses(module: str, unused: set[str]) -> None:
    assert loaded_by(module) & unused == set()
