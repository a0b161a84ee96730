"""How a route is declared."""

from typing import Annotated

import msgspec
import pytest
from fastapi import Header, Response

from event_seating.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedJson,
    NotFound,
    TooBusy,
)
from event_seating.web.endpoints import Budget
from event_seating.web.json_body import JsonBody
from event_seating.web.parameters import Key
from event_seating.web.problem import CODES
from event_seating.web.roles import Role
from event_seating.web.routes import Routes


class Body(msgspec.Struct):
    name: str


def test_what_it_takes_says_what_it_refuses() -> None:
    routes = Routes()

    @routes.post(
        "/things",
        access=Role.admin,
        body=JsonBody(Body),
        idempotent=True,
        refuses=(TooBusy, NotFound),
    )
    async def make(key: Key = None) -> Response:
        return Response(key)

    (endpoint,) = routes.endpoints
    assert endpoint.refuses == (
        TooBusy, NotFound, InvalidRequest, MalformedJson, IdempotencyKeyReused
    )  # fmt: skip
    assert (endpoint.access, endpoint.budget) == (Role.admin, Budget.account)
    (route,) = routes.router.routes
    documented = {code for each in route.responses.values() for code in each[CODES]}  # type: ignore[attr-defined]
    assert documented == {error.code for error in endpoint.refuses}
    assert "requestBody" in route.openapi_extra  # type: ignore[attr-defined]


@pytest.mark.parametrize("idempotent", [False, True])
def test_it_is_idempotent_exactly_if_it_takes_a_key(*, idempotent: bool) -> None:
    routes = Routes()

    async def with_key(key: Key = None) -> Response:
        return Response(key)

    async def without(key: Annotated[str | None, Header()] = None) -> Response:
        return Response(key)

    right, wrong = (with_key, without) if idempotent else (without, with_key)
    routes.post("/right", access=Role.anyone, idempotent=idempotent)(right)
    with pytest.raises(ValueError, match="POST /wrong"):
        routes.post("/wrong", access=Role.anyone, idempotent=idempotent)(wrong)


def test_routes_that_are_included_keep_their_order() -> None:
    inner, outer = Routes(tags=["inner"]), Routes()
    inner.absent("/a")
    inner.absent("/b")
    outer.absent("/c")
    outer.include(inner)
    assert [endpoint.path for endpoint in outer.endpoints] == ["/c", "/a", "/b"]
