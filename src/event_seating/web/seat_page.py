"""The seat map page and the files that it loads, all served from here.

Owns how `event_seating/page` reaches a browser: one page for `/`, told how a hold is booked in this
deployment, and its modules under an address that names their contents. So a browser keeps them for
ever, and never mixes those of two releases. The page has no inline script, so that its content
security policy can forbid them. It knows no event and no seat; the page asks the API like anybody.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from event_seating.errors import NotFound
from event_seating.web.representation import has_current, prefers_gzip

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

FOR_EVER: Final = "public, max-age=31536000, immutable"
REVALIDATED: Final = "no-cache"

WORKER_MODULES: Final = frozenset({"map-worker.js"})
"""Loaded by themselves and not by the page, so not worth fetching with it."""


@dataclass(frozen=True, slots=True)
class Booking:
    """How a hold becomes a booking: on the page, at a shop, or by whoever is given the code."""

    here: bool
    checkout_url: str | None

    @property
    def way(self) -> str:
        """What the page is told."""
        if self.here:
            return "here"
        return "checkout" if self.checkout_url else "elsewhere"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in both its forms."""

    media_type: str
    body: bytes
    compressed: bytes
    etag: str


def router(booking: Booking) -> APIRouter:
    """The page and its files."""
    routes = APIRouter(include_in_schema=False)
    assets = _load_assets()
    current = _digest(b"".join(assets[name].body for name in sorted(assets)))
    page = _asset("text/html; charset=utf-8", _page(booking, f"/page/{current}", assets))

    @routes.get("/")
    async def read_page(request: Request) -> Response:
        return _answer(request, page, REVALIDATED)

    @routes.get("/page/{release}/{asset}")
    async def read_asset(request: Request, release: str, asset: str) -> Response:
        if asset not in assets:
            raise NotFound
        # Another release's address is answered with what there is, and kept by nobody.
        kept = FOR_EVER if release == current else REVALIDATED
        return _answer(request, assets[asset], kept)

    return routes


def _load_assets() -> dict[str, Asset]:
    found = {}
    for file in (files("event_seating") / "page").iterdir():
        media_type = TYPES.get(f".{file.name.rpartition('.')[2]}")
        if media_type:
            found[file.name] = _asset(media_type, file.read_bytes())
    return found


def _asset(media_type: str, body: bytes) -> Asset:
    return Asset(media_type, body, gzip.compress(body, mtime=0), f'"{_digest(body)}"')


def _page(booking: Booking, address: str, assets: Mapping[str, Asset]) -> bytes:
    page = (files("event_seating") / "page" / "index.html").read_text("utf-8")
    modules = (
        name for name in sorted(assets) if name.endswith(".js") and name not in WORKER_MODULES
    )
    words = {
        "booking": escape(booking.way),
        "checkout_url": escape(booking.checkout_url or ""),
        "assets": address,
        # All at once, and not one after the other as each names the next.
        "preloads": "\n".join(
            f'<link rel="modulepreload" href="{address}/{name}">' for name in modules
        ),
    }
    for name, text in words.items():
        page = page.replace("{{" + name + "}}", text)
    return page.encode()


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:DIGEST_CHARS]


def _answer(request: Request, asset: Asset, kept: str) -> Response:
    # The policy is on the modules as well: a worker obeys the one of its own file.
    headers = {
        "cache-control": kept,
        "content-security-policy": CSP,
        "etag": asset.etag,
        "vary": "accept-encoding",
    }
    if has_current(request.headers.get("if-none-match"), asset.etag):
        return Response(status_code=304, headers=headers)
    if prefers_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        # The same contents in another form: a tag of its own would be right, a weak one is enough.
        headers["etag"] = f"W/{asset.etag}"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
