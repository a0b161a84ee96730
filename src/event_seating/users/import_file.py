"""A file of users, line by line: CSV with a header, or a JSON object a line.

Pure, except that the bytes arrive asynchronously. Every line is a user or a refusal: a line that is
broken, too long or of another encoding does not stop those after it. Only a file without a proper
header is refused as a whole. Never has more than one record in memory, and of that no more than
`LINE_BYTES_MAX`.
"""

import csv
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

import msgspec

from event_seating.users import model
from event_seating.values.visible_text import checked_name

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"

LINE_BYTES_MAX: Final = 65_536
"""A hundred times what a user takes."""

QUOTED_LINES_MAX: Final = 20
"""The most lines of a quoted field; a quote that is never closed is given up then."""

COLUMNS: Final = ("id", "name", "email")

_DELIMITERS: Final = (",", ";", "\t")

_BOM: Final = b"\xef\xbb\xbf"
_OTHER_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")

_TOO_LONG: Final = f"is longer than {LINE_BYTES_MAX} bytes"
_NOT_UTF_8: Final = "is not UTF-8"


class NotImportable(Exception):
    """The file as a whole cannot be read; the text says why."""


class ImportLine(NamedTuple):
    """A line as it is in the file."""

    number: int
    """1 for the first."""
    content: bytes | None
    """None for one that is too long."""


class ImportRecord(NamedTuple):
    """The user in a line, or in several lines that belong together."""

    line: int
    next_line: int
    """Where the next record begins."""
    user: tuple[str, str, str] | None
    """Id, name and e-mail address, checked and in their normal form."""
    reason: str | None = None
    """Why there is no user."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    email: str


async def records(
    chunks: AsyncIterator[bytes], media_type: str, first_line: int = 1
) -> AsyncIterator[ImportRecord]:
    """The records of a file from this line on; empty lines are left out.

    Raises `NotImportable`.
    """
    found = lines(chunks)
    parse = _csv(found, first_line) if media_type == CSV else _ndjson(found, first_line)
    async for record in parse:
        yield record


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[ImportLine]:
    """The lines of a file, without line ends and byte order mark; raises `NotImportable`."""
    number = 1
    waiting = bytearray()
    too_long = False
    async for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if not too_long:
                waiting += chunk[start:end]
            yield _line(number, waiting, too_long)
            number += 1
            waiting.clear()
            too_long = False
            start = end + 1
        if not too_long:
            waiting += chunk[start:]
            too_long = len(waiting) > LINE_BYTES_MAX
            if too_long:
                waiting.clear()
    if waiting or too_long:
        yield _line(number, waiting, too_long)


def _line(number: int, content: bytearray, too_long: bool) -> ImportLine:
    if too_long or len(content) > LINE_BYTES_MAX:
        return ImportLine(number, None)
    whole = bytes(content)
    if number == 1:
        if whole.startswith(_OTHER_BOMS):
            raise NotImportable("The file is UTF-16; save it as UTF-8.")
        whole = whole.removeprefix(_BOM)
    return ImportLine(number, whole.removesuffix(b"\r"))


async def _ndjson(found: AsyncIterator[ImportLine], first_line: int) -> AsyncIterator[ImportRecord]:
    async for line in found:
        if line.number >= first_line and (line.content is None or line.content.strip()):
            yield _of_json(line)


def _of_json(line: ImportLine) -> ImportRecord:
    if line.content is None:
        return _refused(line, _TOO_LONG)
    try:
        row = msgspec.json.decode(line.content, type=_Row)
    except msgspec.ValidationError as error:
        return _refused(line, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refused(line, "is not a JSON object in UTF-8")
    return _checked(line.number, line.number + 1, (row.id, row.name, row.email))


async def _csv(found: AsyncIterator[ImportLine], first_line: int) -> AsyncIterator[ImportRecord]:
    header = await anext(found, None)
    if header is None:
        raise NotImportable("The file is empty.")
    table = _Table.of(header)
    # Lines that were read ahead for a quoted field which turned out to be none.
    ahead: deque[ImportLine] = deque()
    while True:
        line = ahead.popleft() if ahead else await anext(found, None)
        if line is None:
            return
        if line.number < first_line or line.content == b"":
            continue
        record = table.record([line])
        if record is None:
            record = await _over_lines(table, line, found, ahead)
        yield record


async def _over_lines(
    table: "_Table", first: ImportLine, found: AsyncIterator[ImportLine], ahead: deque[ImportLine]
) -> ImportRecord:
    """The record of a line with an open quote, together with the lines after it up to its end.

    If there is no end, only the first line is refused, and those after it are read separately.
    """
    taken = [first]
    while len(taken) < QUOTED_LINES_MAX:
        if len(taken) > len(ahead):
            line = await anext(found, None)
            if line is None:
                break
            ahead.append(line)
        taken.append(ahead[len(taken) - 1])
        record = table.record(taken)
        if record is not None:
            if record.user is not None:
                for _ in taken[1:]:
                    ahead.popleft()
                return record
            break
    return _refused(first, "has a quote that is not closed")


class _Table(NamedTuple):
    """How to read the lines of a CSV file."""

    delimiter: str
    columns: Sequence[int]
    """Where `COLUMNS` are."""
    width: int

    @classmethod
    def of(cls, header: ImportLine) -> "_Table":
        """The table that the header describes; raises `NotImportable`."""
        if header.content is None:
            raise NotImportable(f"The first line {_TOO_LONG}; it must name the columns.")
        try:
            text = header.content.decode()
            delimiter = max(_DELIMITERS, key=text.count)
            names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except UnicodeDecodeError:
            raise NotImportable("The first line is not UTF-8; save the file as UTF-8.") from None
        except csv.Error as error:
            raise NotImportable(f"The first line is not CSV: {error}.") from None
        names = [name.strip().lower() for name in names]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise NotImportable(f"The first line must name the columns; {missing[0]!r} is missing.")
        doubled = [name for name in COLUMNS if names.count(name) > 1]
        if doubled:
            raise NotImportable(f"The first line names the column {doubled[0]!r} twice.")
        return cls(delimiter, [names.index(name) for name in COLUMNS], len(names))

    def record(self, taken: Sequence[ImportLine]) -> ImportRecord | None:
        """The record of these lines together; None if a quote is still open."""
        first, next_line = taken[0].number, taken[-1].number + 1
        contents = [line.content for line in taken]
        if None in contents or sum(len(content or b"") for content in contents) > LINE_BYTES_MAX:
            return ImportRecord(first, next_line, None, _TOO_LONG)
        whole = b"\n".join(content or b"" for content in contents)
        try:
            text = whole.decode()
            # The text is one record or a part of one, so one step of the reader is enough.
            cells = next(csv.reader([text], delimiter=self.delimiter, strict=True), [])
        except UnicodeDecodeError:
            return ImportRecord(first, next_line, None, _NOT_UTF_8)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None
            return ImportRecord(first, next_line, None, f"is not CSV: {error}")
        if len(cells) != self.width:
            reason = f"has {len(cells)} columns, and the first line {self.width}"
            return ImportRecord(first, next_line, None, reason)
        id_, name, email = (cells[column] for column in self.columns)
        return _checked(first, next_line, (id_, name, email))


def _checked(line: int, next_line: int, given: tuple[str, str, str]) -> ImportRecord:
    checks = zip(COLUMNS, (model.checked_id, checked_name, model.checked_email), strict=True)
    checked = []
    for (column, check), text in zip(checks, given, strict=True):
        try:
            checked.append(check(text))
        except ValueError as error:
            return ImportRecord(line, next_line, None, f"{column} {error}")
    id_, name, email = checked
    return ImportRecord(line, next_line, (id_, name, email))


def _refused(line: ImportLine, reason: str) -> ImportRecord:
    return ImportRecord(line.number, line.number + 1, None, reason)
