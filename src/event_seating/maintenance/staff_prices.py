"""Whether the log gave a staff price to a caller without a key.

Only holds are checked: all other ways of taking seats belong to the box office, which in
development needs no key.
"""

from collections.abc import Iterator

from event_seating.booking.core.log_entries import Amended, Entry, Held
from event_seating.booking.core.records import Configuration, Groups
from event_seating.booking.core.ticket_types import hidden_types


def taken_without_key(entry: Entry, sale: Configuration | None) -> Iterator[str]:
    """The ticket types for staff that an entry nobody with a key asked for puts into a hold.

    `sale` is how the event sells right before the entry.
    """
    hidden = hidden_types(sale) if sale is not None and entry.actor is None else frozenset()
    if not hidden:
        return
    for operation in entry.operations:
        groups: Groups = ()
        if isinstance(operation, Held):
            groups = operation.groups
        elif isinstance(operation, Amended):
            groups = operation.added
        for group in groups:
            if group.type_name in hidden:
                yield group.type_name
