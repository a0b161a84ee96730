"""What the booking routes take: every list and object in a request has a bound."""

import json
from typing import Any

import pytest
from msgspec import inspect

from event_seating.booking.api import request_bodies
from event_seating.errors import InvalidRequest
from event_seating.events.model import EventChange, NewEvent
from event_seating.venues.model import AREAS_MAX, ID_CHARS_MAX
from event_seating.web.json_body import JsonBody

REQUESTS = [
    request_bodies.HoldBody,
    request_bodies.ChangeHoldBody,
    request_bodies.BookBody,
    request_bodies.CancelBody,
    request_bodies.ChangeBookingBody,
    request_bodies.BlockBody,
    NewEvent,
    EventChange,
]
BOUNDED_ELSEWHERE = {
    "BookBody.metadata": "by METADATA_BYTES_MAX",
    "NewEvent.prices.*": "by TICKET_TYPES_MAX, in the words of the model",
    "EventChange.prices.*": "as in NewEvent",
}


def unbounded(kind: Any, path: str) -> list[str]:
    """Where in a type there is a list or an object of any length."""
    if isinstance(kind, inspect.Metadata):
        return unbounded(kind.type, path)
    if isinstance(kind, inspect.UnionType):
        return [found for each in kind.types for found in unbounded(each, path)]
    if isinstance(kind, inspect.StructType):
        return [
            found
            for field in kind.fields
            for found in unbounded(field.type, f"{path}.{field.encode_name}")
        ]
    if isinstance(kind, inspect.ListType | inspect.DictType):
        inner = kind.item_type if isinstance(kind, inspect.ListType) else kind.value_type
        return [path] * (kind.max_length is None) + unbounded(inner, f"{path}.*")
    return []


@pytest.mark.parametrize("kind", REQUESTS)
def test_each_list_and_object_of_a_request_has_a_bound(kind: Any) -> None:
    found = unbounded(inspect.type_info(kind), kind.__name__)
    assert [path for path in found if path not in BOUNDED_ELSEWHERE] == []


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (request_bodies.HoldBody, {"areas": {f"F{n}": 1 for n in range(60_000)}}, "areas"),
        (request_bodies.HoldBody, {"areas": {"F": {f"t{n}": 1 for n in range(21)}}}, "areas"),
        (
            request_bodies.HoldBody,
            {"best": {"quantity": {f"t{n}": 1 for n in range(21)}}},
            "best.quantity",
        ),
        (
            request_bodies.ChangeHoldBody,
            {"add": {"areas": {f"F{n}": 1 for n in range(1_001)}}},
            "add.areas",
        ),
        (request_bodies.BookBody, {"from": ["blocked"] * 3}, "from"),
        (request_bodies.BlockBody, {"areas": {f"F{n}": 1 for n in range(1_001)}}, "areas"),
    ],
)
def test_more_than_fits_is_refused_by_the_name_of_the_field(
    kind: Any, body: Any, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        JsonBody(kind, request_bodies.PATTERNS).decode(json.dumps(body).encode())
    (fault,) = caught.value.details["fields"]
    assert fault["field"].startswith(field)
    assert "must have at most" in fault["message"]


def test_what_fits_is_taken() -> None:
    areas = {f"F{n}": 1 for n in range(AREAS_MAX)}
    seat = "x" * ID_CHARS_MAX
    body = json.dumps({"areas": areas, "seats": [seat]}).encode()
    taken = JsonBody(request_bodies.HoldBody).decode(body)
    assert (len(taken.areas), taken.seats) == (AREAS_MAX, [seat])
