"""What is wrong with a body, in the words of whoever sent it."""

import json
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from event_seating.booking.api.request_bodies import PATTERNS, BookBody, HoldBody
from event_seating.booking.core.records import SaleStatus
from event_seating.errors import InvalidRequest
from event_seating.web.json_body import JsonBody


class Inner(Struct, forbid_unknown_fields=True):
    kinds: list[Literal["new", "old"]] = []


class Body(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    share: Annotated[float, Meta(le=0.5)] = 0.0
    names: Annotated[list[str], Meta(max_length=2)] = []
    title: Annotated[str, Meta(min_length=1, max_length=5)] | None = None
    code: Annotated[str, Meta(min_length=2)] = "ab"
    places: dict[str, int | dict[str, int]] = {}
    word: Annotated[str, Meta(pattern="^a$")] = "a"
    other: Annotated[str, Meta(pattern="^b$")] = "b"
    sure: bool = True
    status: SaleStatus | UnsetType = UNSET
    inner: Inner | None = None


BODY = JsonBody(Body, {"^a$": "must be an a"})


def faults(body: JsonBody[Any], sent: object) -> list[dict[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        body.decode(json.dumps(sent).encode())
    return list(refused.value.details["fields"])


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"count": 0}, "count", "must be at least 1"),
        ({"count": 10}, "count", "must be at most 9"),
        ({"share": 0.75}, "share", "must be at most 0.5"),
        ({"names": ["a", "b", "c"]}, "names", "must have at most 2 items"),
        ({"title": ""}, "title", "must not be empty"),
        ({"title": "abcdef"}, "title", "must have at most 5 characters"),
        ({"code": "a"}, "code", "must have at least 2 characters"),
        ({"count": "1"}, "count", "must be a whole number, not text"),
        ({"title": 5}, "title", "must be text or null, not a whole number"),
        ({"sure": "yes"}, "sure", "must be true or false, not text"),
        ({"names": {"a": 1}}, "names", "must be a list, not an object"),
        ({"places": {"x": [1]}}, "places[...]", "must be a whole number or an object, not a list"),
        ([], "body", "must be an object, not a list"),
        ({"word": "b"}, "word", "must be an a"),
        ({"other": "a"}, "other", "Expected `str` matching regex '^b$'"),
        ({"status": "open"}, "status", "must be one of on_sale, paused, closed, cancelled"),
        ({"inner": {"kinds": ["new", "x"]}}, "inner.kinds[1]", "must be one of new, old"),
        ({"colour": 1}, "colour", "is not a field of this request"),
        ({"inner": {"colour": 1}}, "inner.colour", "is not a field of this request"),
    ],
)
def test_a_fault_says_what_the_field_takes(sent: object, field: str, message: str) -> None:
    assert faults(BODY, sent) == [{"field": field, "message": message}]


@pytest.mark.parametrize("end", ["\n", "\x00", "\r\n", "\u2028", "\x85"])
def test_no_text_of_a_booking_has_a_control_character_not_even_at_its_end(end: str) -> None:
    book, hold = JsonBody(BookBody, PATTERNS), JsonBody(HoldBody, PATTERNS)
    control = "must not contain control characters"
    assert faults(book, {"orderRef": f"R-1{end}"})[0] == {"field": "orderRef", "message": control}
    assert faults(hold, {"seats": [f"A1{end}"]})[0] == {"field": "seats[0]", "message": control}
    assert faults(book, {"userId": f"1{end}"})[0]["message"].startswith("must have 1 to 64")
    kinds = {"A1": f"child{end}"}
    assert faults(hold, {"ticketTypes": kinds})[0]["message"].startswith("must have 1 to 32")
