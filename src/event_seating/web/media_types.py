"""The form that a client asked for.

Owns the reading of `Accept` (RFC 9110, section 12.5.1), and the media types of lists.
"""

from collections.abc import Mapping, Sequence
from typing import Final

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"

ACCEPT_PARTS_MAX: Final = 32
"""More media types than any client takes."""


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The offered media type that the client prefers; the first one of several."""
    weights: dict[str, float] = {}
    for part in (accept or "").lower().split(",")[:ACCEPT_PARTS_MAX]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights[name] = _weight(parameters)
    return max(offered, key=lambda name: _preference(name, weights))


def _preference(name: str, weights: Mapping[str, float]) -> float:
    kind = name.partition("/")[0]
    return weights.get(name, weights.get(f"{kind}/*", weights.get("*/*", 0.0)))


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
