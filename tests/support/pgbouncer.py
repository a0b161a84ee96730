"""A real PgBouncer before a PostgreSQL of the tests.

Owns where it comes from and how it is configured: a pool mode, and otherwise its defaults.
"""

import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from tests.support import system_packages
from tests.support.waiting import wait_until

ENDED_WITHIN_S: Final = 30

SESSIONS_MAX: Final = 50
"""Room for the pools of a server's processes; PostgreSQL itself has 100."""


@contextmanager
def running(postgres_url: str, pool_mode: str, directory: Path) -> Iterator[str]:
    """PgBouncer before this database, which it lends in this mode; the URL to use it by."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    url = make_url(postgres_url)
    sockets = Path(str(url.query["host"]))
    configuration = directory / f"pgbouncer-{pool_mode}.ini"
    configuration.write_text(
        f"[databases]\n{url.database} = host={sockets} user={url.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = {SESSIONS_MAX}\n"
    )
    command = [system_packages.required("pgbouncer"), str(configuration)]
    if os.geteuid() == 0:  # it does not run as root, and PostgreSQL's user may use its socket
        command[1:1] = ["-u", pwd.getpwuid(sockets.stat().st_uid).pw_name]
    log = configuration.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until(lambda: _listens(process, port, log))
        yield f"postgresql://anybody@127.0.0.1:{port}/{url.database}"
    finally:
        process.terminate()
        process.wait(ENDED_WITHIN_S)


def _listens(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
