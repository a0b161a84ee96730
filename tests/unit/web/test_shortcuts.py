"""Which routes may go the short way."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute

from event_seating.web.shortcuts import shortcut

routes = APIRouter()


@routes.post("/plain/{name}/of/{kind}")
async def plain(
    request: Request, name: str, kind: str, key: Annotated[str | None, Header(alias="Key")] = None
) -> Response:
    return Response(f"{name} {kind} {key} {request.method}")


@routes.post("/number/{name}")
async def number(request: Request, name: int) -> Response:
    return Response(f"{request.method} {name}")


@routes.post("/bounded")
async def bounded(
    request: Request, key: Annotated[str | None, Header(max_length=9)] = None
) -> Response:
    return Response(f"{request.method} {key}")


@routes.post("/needed")
async def needed(request: Request, key: Annotated[str, Header()]) -> Response:
    return Response(f"{request.method} {key}")


@routes.post("/counted")
async def counted(request: Request, key: Annotated[int | None, Header()] = None) -> Response:
    return Response(f"{request.method} {key}")


@routes.post("/asked")
async def asked(request: Request, dry: Annotated[bool, Query()] = False) -> Response:
    return Response(f"{request.method} {dry}")


@routes.post("/body")
async def body(request: Request, told: Annotated[dict[str, int], Body()]) -> Response:
    return Response(f"{request.method} {told}")


@routes.post("/leaning")
async def leaning(request: Request, on: Annotated[str, Depends(lambda: "x")]) -> Response:
    return Response(f"{request.method} {on}")


@routes.post("/without")
async def without() -> Response:
    return Response()


@routes.post("/waiting")
def waiting(request: Request) -> Response:
    return Response(request.method)


def route(name: str) -> APIRoute:
    return next(each for each in routes.routes if isinstance(each, APIRoute) and each.name == name)


def test_texts_of_the_path_and_headers_are_all_that_is_taken() -> None:
    short = shortcut(route("plain"))
    assert short.headers == (("key", b"key"),)
    assert short.request == "request"


@pytest.mark.parametrize(
    "name",
    ["number", "bounded", "needed", "counted", "asked", "body", "leaning", "without", "waiting"],
)
def test_whatever_fastapi_has_to_check_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"/{name}"):
        shortcut(route(name))
