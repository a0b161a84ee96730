from typing import Any

import pytest

from event_seating.errors import InvalidRequest
from event_seating.web.pages import decode_cursor, encode_cursor, page


@pytest.mark.parametrize("key", [("club",), (1_702_049_445_123, "b-1"), ("é🎟", ""), (0, "x" * 64)])
def test_a_cursor_carries_its_key(key: tuple[Any, ...]) -> None:
    cursor = encode_cursor(*key)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(cursor, tuple[tuple(map(type, key))]) == key  # type: ignore[misc]


@pytest.mark.parametrize(
    "cursor",
    ["", "nonsense", "ü", "a", "====", encode_cursor(5), encode_cursor("a", "b"), encode_cursor(),
     encode_cursor("a\0b"), encode_cursor("club")[:-2], "W251bGxd", "W10", "bnVsbA"],
)  # fmt: skip
def test_what_is_no_cursor_of_this_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_cursor(cursor, tuple[str])
    assert [fault["field"] for fault in caught.value.details["fields"]] == ["cursor"]


def test_a_number_that_no_column_holds_is_refused() -> None:
    assert decode_cursor(encode_cursor(2**63 - 1), tuple[int]) == (2**63 - 1,)
    with pytest.raises(InvalidRequest):
        decode_cursor(encode_cursor(2**63), tuple[int])


def test_a_page_knows_whether_there_is_more() -> None:
    assert page([1, 2, 3], 2) == ([1, 2], 2)
    assert page([1, 2], 2) == ([1, 2], None)
    assert page([], 2) == ([], None)
