"""Parameters that several routes take, as FastAPI declares them."""

from typing import Annotated

from fastapi import Header, Query

from event_seating.web.idempotency import KEY_CHARS_MAX
from event_seating.web.pages import CURSOR_CHARS_MAX, LIMIT_MAX

Limit = Annotated[
    int, Query(ge=1, le=LIMIT_MAX, description="How many items a page has at the most.")
]
Cursor = Annotated[
    str | None,
    Query(max_length=CURSOR_CHARS_MAX, description="`nextCursor` of the page before this one."),
]

# `idempotency.check` checks its length and everything else.
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", json_schema_extra={"maxLength": KEY_CHARS_MAX})
]
