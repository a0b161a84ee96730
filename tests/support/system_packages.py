"""What is not there comes from the system's package manager, when this is root.

Owns that one of these tests' processes installs at a time: the package manager refuses a second.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

INSTALLED_WITHIN_S: Final = 600
"""For a browser, on a slow line."""

LOCK: Final = Path(tempfile.gettempdir()) / "event-seating-tests.packages.lock"

PATHS: Final = f"{os.environ['PATH']}:/usr/sbin"


def program(name: str, *, recommended: bool = False) -> Path | None:
    """The path of a program that is installed, or that is from now on; nothing if it cannot be.

    What its package recommends comes along where that is asked for, as fonts with a browser.
    """
    if (found := _installed(name)) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        with LOCK.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another process may have installed it meanwhile.
            if (found := _installed(name)) is None:
                _install(name if recommended else f"--no-install-recommends {name}")
                found = _installed(name)
    return found


def required(name: str) -> str:
    """The path of a program without which a test cannot be run; it fails then, and says why."""
    found = program(name)
    if found is None:
        raise RuntimeError(f"this needs {name}: `apt-get install {name}` or `brew install {name}`")
    return str(found)


def _installed(name: str) -> Path | None:
    found = shutil.which(name, path=PATHS)
    return Path(found) if found else None


def _install(what: str) -> None:
    for words in ("update", f"install -y {what}"):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["apt-get", *words.split()],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                check=False,
                capture_output=True,
                timeout=INSTALLED_WITHIN_S,
            )
