"""Files and directories of this service are readable by its own user only.

The database holds the key that signs hold tokens and the secrets of webhooks; logs and mails name
people. Where others can read them, a warning says so. Nothing here changes the mode of existing
files: the operator may have opened them on purpose.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077
"""Every right of the group and of all others."""

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600


def keep_private() -> None:
    """From now on everything that this process and its children create is closed to others."""
    os.umask(OTHERS)


def exposed(data_dir: Path, database: Path | None, log_dir: Path | None) -> Iterator[str]:
    """A sentence for each place that others may enter or read: which one, and what to do."""
    for setting, directory in (("DATA_DIR", data_dir), ("LOG_DIR", log_dir)):
        if directory is not None and _open_to_others(directory):
            yield _sentence(setting, directory, "enter")
    if database is not None and _open_to_others(database) and _open_to_others(database.parent):
        yield _sentence("DATABASE_URL", database, "read")


def _sentence(setting: str, path: Path, right: str) -> str:
    return (
        f"{setting}: other users of this machine may {right} {path} (mode {_mode(path):o}), where "
        f"secrets are kept; `chmod -R go= {path}` closes it"
    )


def _open_to_others(path: Path) -> bool:
    return bool(_mode(path) & OTHERS)


def _mode(path: Path) -> int:
    """Its permissions; 0 if it does not exist yet."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
