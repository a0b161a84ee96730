"""Which endpoint a request falls under: the one that the framework's router would choose."""

import re
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match
from tests.support.declared import endpoints

from event_seating.composition import http_app
from event_seating.errors import ServiceError
from event_seating.settings.model import Settings
from event_seating.web.endpoints import ABSENT, WEBSOCKET, Budget, Endpoint, Endpoints
from event_seating.web.roles import Role
from event_seating.web.routes import DeclaredRoute

EVERY = endpoints()
SERVED = http_app.api(MagicMock(settings=Settings())).app.routes
TEXTS = ("1", "import", "failed", "current", "release", "seats", "A-1/2", "", "\u00fc", "a b", "-")


is_method = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
"""A method of HTTP may be any token (RFC 9110, 5.6.2)."""


def endpoint(path: str, method: str = "GET") -> Endpoint:
    return Endpoint(method=method, path=path, access=Role.anyone)


def chosen_by_framework(method: str, path: str) -> str | None:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for route in SERVED:
        assert isinstance(route, DeclaredRoute)
        if route.matches(scope)[0] is Match.FULL:
            return route.declared.name
    return None


@st.composite
def paths(draw: st.DrawFn) -> str:
    template = draw(st.sampled_from(sorted({each.path for each in EVERY.values()})))
    for name in ("id", "token", "version", "delivery", "release", "asset", "seat"):
        text = draw(st.sampled_from(TEXTS))
        template = template.replace(f"{{{name}}}", text).replace(f"{{{name}:path}}", text)
    return template + draw(st.sampled_from(["", "", "", "/", "/more"]))


@given(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]), paths())
def test_the_lookup_chooses_as_the_framework_does(method: str, path: str) -> None:
    match = EVERY.find(method, path)
    found = match[0].name if match is not None and match[0].method == method else None
    assert found == chosen_by_framework(method, path)


@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "TRACE"]), paths())
def test_only_what_is_declared_so_is_never_limited(method: str, path: str) -> None:
    match = EVERY.find(method, path)
    if match is not None and match[0].budget is Budget.unlimited:
        assert method in {"GET", "HEAD"}
        assert match[0].template in UNLIMITED


UNLIMITED = {
    "/", "/box-office", "/page/{release}/{asset}", "/health", "/health/ready", "/metrics", "/docs",
    "/docs/{asset}", "/openapi.json", "/schemas/seat-map.json", "/favicon.ico", "/venues/{id}",
    "/venues/{id}/versions/{version}", "/events/{id}/seats", "/events/{id}/changes",
    "/events/{id}/live",
}  # fmt: skip


def test_the_texts_of_a_path_are_told_in_order() -> None:
    match = EVERY.find("GET", "/events/abc/seats/A/1")
    assert match is not None
    assert match[1] == ("abc", "A/1")
    assert match[0].parameters == ("id", "seat")


def test_head_is_looked_up_as_get() -> None:
    assert EVERY.find("HEAD", "/users/1") == EVERY.find("GET", "/users/1")


def test_a_websocket_is_an_endpoint_of_its_own_and_named_with_no_route() -> None:
    match = EVERY.find(WEBSOCKET, "/events/abc/live")
    assert match is not None
    assert match[0].websocket is not None
    assert EVERY.find(WEBSOCKET, "/events/abc/changes") is None
    assert not [name for name in EVERY if name.endswith("/live")]


def test_no_method_of_a_request_is_looked_up_among_websockets() -> None:
    """Else anybody could send what is never limited."""
    assert EVERY.find("WEBSOCKET", "/events/abc/live") is None
    assert not is_method(WEBSOCKET)
    assert not is_method(ABSENT)


def test_the_methods_of_a_path_are_those_of_all_its_routes() -> None:
    assert EVERY.methods_at("/users/import") == {"GET", "HEAD", "POST"}
    assert EVERY.methods_at("/holds/current") == {"GET", "HEAD", "PATCH", "DELETE"}
    assert EVERY.methods_at("/nowhere") == set()


def test_every_refusal_that_is_declared_exists() -> None:
    existing = set(ServiceError.every())
    for each in EVERY.values():
        assert existing.issuperset(each.refuses), each.name


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ([endpoint("/a/{id}"), endpoint("/a/{id}")], "declared twice"),
        ([endpoint("/a"), endpoint("/a")], "declared twice"),
        ([endpoint("/a/{id}"), endpoint("/a/b")], "hidden"),
    ],
)
def test_an_endpoint_that_could_not_be_reached_stops_the_start(
    declared: list[Endpoint], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Endpoints(declared)


def test_a_plain_path_before_a_template_is_found() -> None:
    first, second = endpoint("/a/b"), endpoint("/a/{id}")
    both = Endpoints([first, second])
    assert both.find("GET", "/a/b") == (first, ())
    assert both.find("GET", "/a/c") == (second, ("c",))
