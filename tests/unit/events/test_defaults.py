"""The settings of a new event."""

import pytest

from event_seating.booking.core.records import SaleRules
from event_seating.errors import StartupError
from event_seating.events.model import Defaults
from event_seating.events.service import defaults
from event_seating.settings.model import Settings


def test_the_settings_are_what_a_new_event_sells_by(environment: dict[str, str]) -> None:
    settings = Settings(
        currency="JPY",
        hold_ttl_s=90,
        max_seats_per_hold=3,
        max_held_seats_per_buyer=5,
        max_held_seats_per_address=50,
    )
    rules = SaleRules(
        max_seats_per_hold=3,
        max_held_seats_per_buyer=5,
        max_held_seats_per_address=50,
        hold_ttl_ms=90_000,
    )
    assert defaults(settings) == Defaults("JPY", rules)


def test_a_currency_that_nobody_pays_in_stops_the_start(environment: dict[str, str]) -> None:
    with pytest.raises(StartupError, match="CURRENCY: QQQ is no ISO 4217 currency"):
        defaults(Settings(currency="QQQ"))
