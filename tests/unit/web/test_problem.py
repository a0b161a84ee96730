"""How an error looks to a client."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from event_seating.errors import RateLimited, ServiceError
from event_seating.users.errors import UserNotFound
from event_seating.venues.errors import InvalidMap, MapFault, VenueExists
from event_seating.web import problem

pytestmark = pytest.mark.anyio

REQUEST: Any = SimpleNamespace(scope={"request_id": "r1"})

on_http_exception = problem.on_http_exception(lambda path: {"GET"} if path else ())

EVERY = [error for error in ServiceError.every() if error.__module__.startswith("event_seating.")]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_every_error_has_a_status_a_code_and_a_sentence_of_its_own(
    error: type[ServiceError],
) -> None:
    assert 400 <= error.status < 600
    assert error.code in problem.schemas()["ErrorCode"]["enum"]
    assert error.code.replace("_", "").isalpha()
    assert error.code == error.code.lower()
    assert error.sentence.endswith(".")
    assert [other.code for other in EVERY].count(error.code) == 1


OF_THEIR_OWN: dict[type[ServiceError], ServiceError] = {
    InvalidMap: InvalidMap([MapFault("name", "is empty")], 1),
    VenueExists: VenueExists("hall"),
}
"""Those that are made with what they are about."""


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_the_body_has_the_usual_fields(error: type[ServiceError]) -> None:
    made = OF_THEIR_OWN.get(error) or error()
    body = json.loads(problem.encode(made, "r1"))
    usual = {"error": str(made), "code": error.code, "requestId": "r1"}
    assert body == {**usual, **made.details}
    assert error in OF_THEIR_OWN or not made.details


def test_details_are_fields_and_headers_are_headers() -> None:
    error = RateLimited(details={"retryAfter": 3}, headers={"Retry-After": "3"})
    answer = problem.response(error, "r1")
    assert json.loads(bytes(answer.body))["retryAfter"] == 3
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not_found"), (400, "malformed_json"), (418, "invalid_request")],
)
async def test_what_the_framework_refuses_has_our_body(status: int, code: str) -> None:
    answer = await on_http_exception(REQUEST, HTTPException(status))
    assert json.loads(bytes(answer.body))["code"] == code


async def test_an_error_of_ours_that_the_framework_wrapped_is_ours_again() -> None:
    wrapped = HTTPException(400)
    wrapped.__cause__ = UserNotFound()
    answer = await on_http_exception(REQUEST, wrapped)
    assert answer.status_code == 404


async def test_a_crash_says_nothing_of_itself() -> None:
    answer = await problem.on_crash(REQUEST, RuntimeError("SELECT secret FROM users"))
    assert answer.status_code == 500
    assert b"secret" not in bytes(answer.body)


@given(
    st.lists(
        st.tuples(
            st.lists(st.one_of(st.text(), st.integers(0, 99)), max_size=4),
            st.text(alphabet=st.characters()),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_any_faults_make_a_bounded_body(faults: list[tuple[list[str | int], str]]) -> None:
    error = problem._from_validation(
        [{"type": "x", "loc": ("body", *loc), "msg": message} for loc, message in faults]
    )
    fields = json.loads(problem.encode(error, "r1"))["fields"]
    assert len(fields) == min(len(faults), problem.FIELDS_MAX)
    for fault in fields:
        assert len(fault["message"]) <= problem.MESSAGE_CHARS_MAX
        assert len(fault["field"]) <= problem.MESSAGE_CHARS_MAX


def test_a_field_that_is_a_lone_surrogate_is_still_answered() -> None:
    fault = {"type": "extra_forbidden", "loc": ("body", "\ud800"), "msg": ""}
    body = json.loads(problem.encode(problem._from_validation([fault]), "r1"))
    assert body["fields"] == [{"field": "?", "message": "is not a field of this request"}]
