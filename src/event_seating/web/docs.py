"""The API's documentation page, with every asset served from here and not from another host.

Swagger UI itself comes in the `fastapi-offline` wheel; only its files are used. The page carries no
inline script, so that its content security policy can forbid them.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import Response

from event_seating.errors import NotFound
from event_seating.web.endpoints import Budget
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event Seating API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START: Final = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
"""

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)

ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}

ASSET_AGE_S: Final = 3600


def router(document: Callable[[], bytes]) -> Routes:
    """The page, what it loads, and the document that it shows."""
    routes = Routes(include_in_schema=False)

    @routes.get("/openapi.json", access=Role.anyone, budget=Budget.unlimited)
    async def read_openapi() -> Response:
        return Response(document(), media_type="application/json")

    @routes.get("/docs", access=Role.anyone, budget=Budget.unlimited)
    async def read_docs() -> Response:
        return Response(PAGE, media_type="text/html", headers={"content-security-policy": CSP})

    @routes.get("/docs/{asset}", access=Role.anyone, budget=Budget.unlimited)
    async def read_asset(asset: str) -> Response:
        if asset == "start.js":
            return Response(START, media_type="text/javascript")
        if asset not in ASSETS:
            raise NotFound
        return Response(
            _asset(asset),
            media_type=ASSETS[asset],
            headers={"cache-control": f"public, max-age={ASSET_AGE_S}"},
        )

    return routes


@cache
def _asset(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
