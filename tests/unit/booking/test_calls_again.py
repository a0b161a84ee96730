"""What makes a call the same call again."""

from typing import get_args

from event_seating.booking.api.caller import HASHED_NAMES
from event_seating.booking.core.commands import Command, Configure, WindUp


def test_every_request_of_a_caller_has_a_name_of_its_own_in_the_hash() -> None:
    ours = {Configure, WindUp}
    """No caller asks for these by the routes of seats."""
    assert HASHED_NAMES.keys() == {*get_args(Command)} - ours
    assert len({*HASHED_NAMES.values()}) == len(HASHED_NAMES)
