"""Files of users, whole and broken."""

from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from event_seating.users.import_file import (
    CSV,
    LINE_BYTES_MAX,
    NDJSON,
    ImportRecord,
    NotImportable,
    lines,
    records,
)

pytestmark = pytest.mark.anyio

HEADER = b"id,name,email\n"


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(
    content: bytes, media_type: str = CSV, first_line: int = 1, size: int = 7
) -> list[ImportRecord]:
    found = records(pieces(content, size), media_type, first_line)
    return [record async for record in found]


def users(found: Iterable[ImportRecord]) -> list[tuple[int, str]]:
    return [(record.line, record.user[0]) for record in found if record.user]


def refused(found: Iterable[ImportRecord]) -> dict[int, str]:
    return {record.line: record.reason or "" for record in found if record.user is None}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_each_line_is_a_user(size: int, end: bytes) -> None:
    content = end.join([b"id,name,email", b"1, Anna ,Anna@Example.com", b"2,Bo,bo@example.com"])
    found = await read(content, size=size)
    assert [record.user for record in found] == [
        ("1", "Anna", "anna@example.com"),
        ("2", "Bo", "bo@example.com"),
    ]
    assert [(record.line, record.next_line) for record in found] == [(2, 3), (3, 4)]


@pytest.mark.parametrize(
    "header",
    [
        b"\xef\xbb\xbfid,name,email",
        b'"id","name","email"',
        b" ID , Name,EMAIL ",
    ],
)
async def test_a_header_may_have_a_mark_quotes_space_and_capitals(header: bytes) -> None:
    assert users(await read(header + b"\n1,Anna,anna@example.com")) == [(2, "1")]


@pytest.mark.parametrize("delimiter", [b";", b"\t"])
async def test_columns_may_be_in_any_order_with_others_between(delimiter: bytes) -> None:
    content = b"email,phone,name,id\nanna@example.com,555,Anna,1".replace(b",", delimiter)
    (record,) = await read(content)
    assert record.user == ("1", "Anna", "anna@example.com")


async def test_quotes_hold_what_they_hold() -> None:
    content = HEADER + b'1,"Smith, ""Jane""",jane@example.com\n2,B,b@example.com'
    found = await read(content)
    assert found[0].user == ("1", 'Smith, "Jane"', "jane@example.com")
    assert users(found) == [(2, "1"), (3, "2")]


async def test_a_field_that_we_do_not_need_may_reach_over_lines() -> None:
    content = b'id,name,email,note\n1,A,a@example.com,"two\nlines"\n2,B,b@example.com,x\n'
    assert users(await read(content)) == [(2, "1"), (4, "2")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"9,Nobody", "has 2 columns"),
        (b"9,A,B,C", "has 4 columns"),
        (b"9,Bo,nonsense", "email is not an e-mail address"),
        (b"a/b,Bo,bo@example.com", "id must have"),
        (b",Bo,bo@example.com", "id must have"),
        (b"9,,bo@example.com", "name must not be empty"),
        (b"9,M\xfcller,m@example.com", "is not UTF-8"),
        (b'9,"Bo,bo@example.com', "has a quote that is not closed"),
        (b'9,"Bo"x,bo@example.com', "is not CSV"),
        (b"9,a\0b,bo@example.com", "name must not"),
        (b"9," + b"x" * LINE_BYTES_MAX + b",bo@example.com", "is longer"),
    ],
)
async def test_a_broken_line_in_the_middle_is_refused_alone(line: bytes, reason: str) -> None:
    content = HEADER + b"1,A,a@example.com\n" + line + b"\n2,B,b@example.com\n3,C,c@example.com"
    found = await read(content, size=4096)
    assert users(found) == [(2, "1"), (4, "2"), (5, "3")]
    assert list(refused(found)) == [3]
    assert refused(found)[3].startswith(reason)


async def test_a_quote_that_is_not_closed_costs_its_own_line_alone() -> None:
    more = b"".join(b"%d,N,n%d@example.com\n" % (n, n) for n in range(100))
    found = await read(HEADER + b'x,"Bo,bo@example.com\n' + more)
    assert list(refused(found)) == [2]
    assert len(users(found)) == 100


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"id,name\n1,A", "'email' is missing"),
        (b"1,Anna,anna@example.com\n", "'id' is missing"),
        (b"id,name,email,id\n", "'id' twice"),
        (b"\xff\xfei\x00d\x00", "UTF-16"),
        (b"id,name,\xfc\n", "not UTF-8"),
        (b'id,"name,email\n', "not CSV"),
        (b"x" * (LINE_BYTES_MAX + 1), "longer"),
        (b"id,name,email\r1,A,a@example.com", "not CSV"),
    ],
)
async def test_a_file_without_a_proper_header_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(NotImportable, match=reason):
        await read(content, size=4096)


async def test_empty_lines_are_nothing() -> None:
    assert users(await read(HEADER + b"\n\r\n1,A,a@example.com\n\n")) == [(4, "1")]


async def test_json_lines_are_users_too() -> None:
    content = (
        b'{"id":"1","name":" Anna ","email":"ANNA@example.com"}\n\n'
        b'{"id":"2","name":"B"}\n'
        b'{"id":3,"name":"C","email":"c@example.com"}\n'
        b'{"id":"4","name":"D","email":"d@example.com","role":"admin"}\n'
        b"nonsense\n[1]\n"
        b'{"id":"5","name":"\xff","email":"e@example.com"}\n'
        b'{"id":"6","name":"\\ud800","email":"f@example.com"}\n'
        b'{"id":"7","name":"G","email":"g@example.com"}'
    )
    found = await read(content, NDJSON)
    assert found[0].user == ("1", "Anna", "anna@example.com")
    assert users(found) == [(1, "1"), (10, "7")]
    assert list(refused(found)) == [3, 4, 5, 6, 7, 8, 9]


async def test_reading_goes_on_at_any_record() -> None:
    content = b'id,name,email,note\n1,A,a@example.com,"x\ny"\n2,"B,b@example.com,\n3,C,c@e.com,\n'
    whole = await read(content)
    for at, record in enumerate(whole):
        assert await read(content, first_line=record.line) == whole[at:]
        assert await read(content, first_line=record.next_line) == whole[at + 1 :]


async def test_no_more_than_a_line_is_kept() -> None:
    """A hundred megabytes without an end of line."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield b"x" * 65_536

    (line,) = [line async for line in lines(endless())]
    assert line == (1, None)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400), size=st.integers(1, 50))
@example(content=b"\xfe\xff", size=1)
async def test_any_bytes_are_records_or_a_complaint(content: bytes, size: int) -> None:
    for media_type, start in ((CSV, HEADER), (NDJSON, b"")):
        if (start + content).startswith((b"\xff\xfe", b"\xfe\xff")):
            with pytest.raises(NotImportable, match="UTF-16"):
                await read(start + content, media_type, size=size)
            continue
        found = await read(start + content, media_type, size=size)
        numbers = [record.line for record in found]
        assert numbers == sorted(set(numbers))
        assert all((record.user is None) != (record.reason is None) for record in found)
