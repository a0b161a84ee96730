"""The table of clients against a dict, with clients whose hashes are all the same."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from event_seating.limits.slots import NO_SLOT, ClientSlots

SLOTS_MAX = 8


class Namesake:
    """A client that shares its place in the table with all of its kind."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namesake) and other.number == self.number


CLIENTS = st.one_of(st.builds(Namesake, st.integers(0, 9)), st.integers(0, 9))


class SlotsMachine(RuleBasedStateMachine):
    """Numbers are unique, found again, and reused before a new one is made."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = ClientSlots(SLOTS_MAX)
        self.model: dict[object, int] = {}
        self.most = 0

    @rule(client=CLIENTS)
    def find(self, client: object) -> None:
        assert self.slots.find(client) == self.model.get(client, NO_SLOT)

    @precondition(lambda self: len(self.model) < SLOTS_MAX)
    @rule(client=CLIENTS)
    def add(self, client: object) -> None:
        if client in self.model:
            return
        slot = self.slots.add(client)
        assert slot not in self.model.values()
        self.model[client] = slot
        self.most = max(self.most, len(self.model))
        assert self.slots.ever_used == self.most
        assert len(self.slots) == len(self.model)
        assert self.slots.is_full() == (len(self.model) == SLOTS_MAX)

    @rule(client=CLIENTS)
    def remove(self, client: object) -> None:
        slot = self.model.pop(client, None)
        if slot is None:
            return
        assert self.slots.is_taken(slot)
        self.slots.remove(slot)
        assert not self.slots.is_taken(slot)
        for other, place in self.model.items():
            assert self.slots.find(other) == place


TestSlots = SlotsMachine.TestCase
TestSlots.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)
