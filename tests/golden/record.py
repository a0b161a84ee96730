"""Write the records again: `.venv/bin/python -m tests.golden.record`.

For a change that is meant: everything that differs under `tests/golden/data` afterwards is one that
databases, other processes or other people's programs will meet. What an earlier release wrote
(`log-1-image-2.json`) is not written again, since nothing writes it any more.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.golden import jobs, log, service, signed
from tests.golden.texts import DATA, as_json
from tests.support.valkey import Valkey


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="es-") as name:
        directory = Path(name)
        valkey = Valkey(directory)
        try:
            asyncio.run(_record(directory, valkey.url))
        finally:
            valkey.kill()


async def _record(directory: Path, redis_url: str) -> None:
    _write({"log-2-image-3.json": log.made()})
    _write({"signed.json": signed.signed(), "locks.json": await signed.locks()})
    _write({"archive-1.txt": await signed.archive(directory)})
    lived = await service.lived(_new(directory, "service"), redis_url)
    _write(lived)
    rows, schema = lived["service-rows.json"], lived["service-schema.sql"]
    _write(await jobs.done(_new(directory, "jobs"), schema, rows, redis_url))


def _new(directory: Path, name: str) -> Path:
    found = directory / name
    found.mkdir()
    return found


def _write(records: dict[str, Any]) -> None:
    for name, content in records.items():
        text = content if isinstance(content, str) else as_json(content)
        (DATA / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
