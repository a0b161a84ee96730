"""What becomes of an event's state when nobody needs it any more."""

import gc
import weakref

from tests.support.seat_states import event, granted

from event_seating.booking.core.commands import Choice, PlaceHold


def test_a_state_that_nobody_holds_frees_its_memory_without_the_collector() -> None:
    """Events are given up to make room, and the collector looks at what is old very rarely."""
    states = event()
    granted(states, PlaceHold(b"hold", Choice((1,)), b"buyer"))
    ledger, index = weakref.ref(states.ledger), states.index
    gc.disable()
    try:
        del states
        assert ledger() is None
    finally:
        gc.enable()
    assert index.seat_count == 10, "what others share is still there"
