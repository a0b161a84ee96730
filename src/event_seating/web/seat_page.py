"""The seat map page, the box office's page, and the files that they load, all served from here.

Owns how `event_seating/page` reaches a browser: a page for `/` that says how a hold is booked in
this deployment, a page for `/box-office` that says whether a key is needed, and their modules and
style sheets, without comments, under an address that names their contents. So a browser may cache
them for ever and never mixes those of two releases. The pages have no inline script, so that their
content security policy can forbid it. Both pages are put together from their own HTML and from
parts that they share, each beside the module that uses it. This module knows no event, no seat and
no key; the pages call the API like any client.
"""

import gzip
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import Request, Response

from event_seating.errors import NotFound
from event_seating.web.cache_control import IMMUTABLE
from event_seating.web.comments import without_javascript_comments, without_style_comments
from event_seating.web.endpoints import Budget
from event_seating.web.representation import has_current, prefers_gzip
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

CSP: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
"""Nothing from another host, nothing inline; `'self'` of `connect-src` includes WebSockets."""

TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

DIGEST_CHARS: Final = 16
"""64 bits of the contents: two releases never share an address."""

REVALIDATED: Final = "no-cache"

_IMPORT: Final = re.compile(r'^(?:import|export|\}) [^"]*?"(\.{1,2}/[^"]+)";$', re.MULTILINE)
"""A static import of a module; a worker's own address is none."""

_PART: Final = re.compile(r"\{\{([a-z/-]+\.html)\}\}")
"""The place of a part in a page, by its path in the pages."""


@dataclass(frozen=True, slots=True)
class BookingWay:
    """How a hold becomes a booking: on the page, at a shop, or by the staff with its code."""

    here: bool
    checkout_url: str | None

    @property
    def way(self) -> str:
        """The word for it on the page: "here", "checkout" or "elsewhere"."""
        if self.here:
            return "here"
        return "checkout" if self.checkout_url else "elsewhere"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, plain and compressed."""

    media_type: str
    body: bytes
    compressed: bytes
    etag: str


def router(booking: BookingWay) -> Routes:
    """The page and its files."""
    routes = Routes(include_in_schema=False)
    routes.absent("/favicon.ico")  # browsers ask for it by themselves
    assets = _load_assets()
    current = _digest(b"".join(assets[name].body for name in sorted(assets)))
    words = {
        "booking": booking.way,
        "checkout_url": booking.checkout_url or "",
        # Where a page may book without a key, it may do all that a box office does.
        "key": "optional" if booking.here else "needed",
        "assets": f"/page/{current}",
    }
    page = _page("buyer/index.html", "buyer/main.js", words, assets)
    box_office = _page("office/index.html", "office/main.js", words, assets)

    @routes.get("/", access=Role.anyone, budget=Budget.unlimited)
    async def read_page(request: Request) -> Response:
        return _answer(request, page, REVALIDATED)

    @routes.get("/box-office", access=Role.anyone, budget=Budget.unlimited)
    async def read_box_office(request: Request) -> Response:
        return _answer(request, box_office, REVALIDATED)

    @routes.get(
        "/page/{release}/{asset:path}",  # assets are in folders
        access=Role.anyone,
        budget=Budget.unlimited,
    )
    async def read_asset(request: Request, release: str, asset: str) -> Response:
        if asset not in assets:
            raise NotFound
        # Another release's address is answered with this release's file, which nobody may cache.
        return _answer(request, assets[asset], IMMUTABLE if release == current else REVALIDATED)

    return routes


@cache  # the files of a release never change while it runs
def _load_assets() -> Mapping[str, Asset]:
    return dict(_assets_in(files("event_seating") / "page", ""))


def _assets_in(folder: Traversable, path: str) -> Iterator[tuple[str, Asset]]:
    """The files that a browser may load from this folder and its subfolders, by path."""
    for each in folder.iterdir():
        suffix = f".{each.name.rpartition('.')[2]}"
        if each.is_dir():
            yield from _assets_in(each, f"{path}{each.name}/")
        elif media_type := TYPES.get(suffix):
            yield path + each.name, _asset(media_type, _served(suffix, each.read_bytes()))


def _served(suffix: str, source: bytes) -> bytes:
    """The file as browsers get it; comments are for people and the type checker."""
    if suffix == ".js":
        return without_javascript_comments(source.decode()).encode()
    return without_style_comments(source.decode()).encode() if suffix == ".css" else source


def _asset(media_type: str, body: bytes) -> Asset:
    return Asset(media_type, body, gzip.compress(body, mtime=0), f'"{_digest(body)}"')


def _page(name: str, entry: str, words: Mapping[str, str], assets: Mapping[str, Asset]) -> Asset:
    """The page with its words filled in, and a preload hint for each module that it imports."""
    page = page_source(name)
    for word, text in words.items():
        page = page.replace("{{" + word + "}}", escape(text))
    # So the browser loads all at once instead of level by level of imports.
    hints = (
        f'<link rel="modulepreload" href="{words["assets"]}/{module}">'
        for module in sorted(_modules(entry, assets))
    )
    page = page.replace("{{preloads}}", "\n".join(hints))
    return _asset("text/html; charset=utf-8", page.encode())


def page_source(name: str) -> str:
    """The HTML of a page with its parts in their places."""
    source = (files("event_seating") / "page" / name).read_text("utf-8")
    return _PART.sub(lambda part: page_source(part[1]).rstrip("\n"), source)


def _modules(entry: str, assets: Mapping[str, Asset]) -> set[str]:
    """The module and all that it imports, directly or not."""
    reached: set[str] = set()
    left = {entry}
    while left:
        module = left.pop()
        reached.add(module)
        left |= set(_imports(module, assets[module])) - reached
    return reached


def _imports(module: str, asset: Asset) -> Iterator[str]:
    for address in _IMPORT.findall(asset.body.decode()):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(module), address))


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:DIGEST_CHARS]


def _answer(request: Request, asset: Asset, cache_control: str) -> Response:
    # The policy is on the modules as well: a worker obeys the one of its own file.
    headers = {
        "cache-control": cache_control,
        "content-security-policy": CSP,
        "etag": asset.etag,
        "vary": "accept-encoding",
    }
    if has_current(request.headers.get("if-none-match"), asset.etag):
        return Response(status_code=304, headers=headers)
    if prefers_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        # Not the same bytes as the plain file, so the tag is weak.
        headers["etag"] = f"W/{asset.etag}"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
