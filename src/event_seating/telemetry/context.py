"""The context that a job carries from the request that asks for it to the process that runs it.

Owns the text that carries it: the id of the request, so that the log lines of a job name the
request that caused it. An unreadable text carries nothing; it never stops a job.
"""

from typing import Any, Final

import msgspec
from structlog.contextvars import get_contextvars

CARRIED: Final = ("requestId",)


def carried() -> str | None:
    """The caller's context, as text."""
    found = get_contextvars()
    values = {name: str(found[name]) for name in CARRIED if name in found}
    return msgspec.json.encode(values).decode() if values else None


def resumed(text: str | None) -> dict[str, Any]:
    """The values in the text of `carried`."""
    if not text:
        return {}
    try:
        values = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        return {}
    return {name: values[name] for name in CARRIED if name in values}
