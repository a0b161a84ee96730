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

from tests.support.repository import ROOT

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


def unpacked(package: str, directory: Path) -> None:
    """Put the files of a package below a directory, without installing it: it starts no service.

    Nothing is put there where that cannot be done.
    """
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with LOCK.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _apt_get("update", directory)
            _apt_get(f"download {package}", directory)
        for archive in directory.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, directory], check=True)


def _installed(name: str) -> Path | None:
    found = shutil.which(name, path=PATHS)
    return Path(found) if found else None


def _install(what: str) -> None:
    for words in ("update", f"install -y {what}"):
        _apt_get(words, ROOT)


def _apt_get(words: str, directory: Path) -> None:
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["apt-get", *words.split()],
            cwd=directory,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
            capture_output=True,
            timeout=INSTALLED_WITHIN_S,
        )
