"""The browser of these tests: one that is installed, else one that is fetched.

Owns where a Chromium comes from and how it is started. The order: an installed one, the download
that belongs to the installed Playwright, the system's package manager when this is root. What
cannot be had is an error that says how to get it.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright

from tests.support import system_packages

INSTALLED: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

DOWNLOAD_WITHIN_S: Final = 240

HELP: Final = (
    "These tests need a Chromium, and none could be had. Install one: `apt-get install chromium`, "
    "`brew install --cask chromium`, or `.venv/bin/playwright install chromium`."
)

OFF_FOR_PLAYWRIGHT: Final = (
    "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints",
    "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
)  # fmt: skip
"""What Playwright turns off itself: a browser heeds the last of two lists alone."""

OFF_FOR_SPEED: Final = (
    "GlobalMediaControls", "PreloadTopChromeWebUI", "SpareRendererForSitePerProcess", "Translate",
    "WebUIOmniboxPopup",
)  # fmt: skip
"""What starts processes for a person's window: a fifth of the CPU time of these tests."""

ARGUMENTS: Final = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    f"--disable-features={','.join(OFF_FOR_PLAYWRIGHT + OFF_FOR_SPEED)}",
)


def launch(playwright: Playwright) -> Browser:
    """A browser without a window; the caller closes it."""
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # as root Chromium has no sandbox
    return playwright.chromium.launch(
        executable_path=_executable(Path(playwright.chromium.executable_path)),
        args=[*ARGUMENTS, *root],
    )


@cache
def _executable(own: Path) -> str:
    """The path of a Chromium; `own` is where Playwright's download would be."""
    found = _installed() or (own if own.exists() else None)
    if found is None and _downloaded():
        found = own if own.exists() else None
    if found is None:
        found = system_packages.program("chromium", recommended=True)
    if found is None:
        raise RuntimeError(HELP)
    return str(found)


def _installed() -> Path | None:
    for name in INSTALLED:
        path = shutil.which(name)
        if path:
            return Path(path)
    return None


def _downloaded() -> bool:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=DOWNLOAD_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
