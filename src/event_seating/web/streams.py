"""Long answers, sent piece by piece.

Owns the rule that an answer which fails before its first piece is an error like every other one. It
knows no noun.
"""

from collections.abc import AsyncIterator, Mapping

from fastapi import Response
from fastapi.responses import StreamingResponse


async def streamed(
    pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str]
) -> Response:
    """The answer made of these pieces, of which no two are in memory at once."""
    first = await anext(pieces, b"")
    return StreamingResponse(
        _from(first, pieces), headers={**headers, "vary": "accept"}, media_type=media_type
    )


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
