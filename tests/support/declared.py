"""What every route declares, without a service: the routes on parts that nobody calls."""

from typing import Any
from unittest.mock import MagicMock

from event_seating.composition import http_app
from event_seating.settings.model import Settings
from event_seating.web.endpoints import Endpoints


def endpoints() -> Endpoints:
    """Every endpoint, as `http_app` reads it."""
    parts: Any = MagicMock(settings=Settings())
    return Endpoints(http_app.declared(parts, bytes).endpoints)
