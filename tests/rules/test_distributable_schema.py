"""The rows of an event can be kept together on one node of a distributed PostgreSQL.

Such a database (Citus and its kind) keeps a table's rows on the node that one of its columns says,
has unique keys only with that column in them, and foreign keys only within a node or to reference
tables, which each node has whole. Here that column is the event's id. The tables that this holds
for are read from the statements themselves. docs/scaling.md says what has been run there: nothing.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

from event_seating.booking import seat_log
from event_seating.booking.seat_log.sql_statements import Statements
from event_seating.db.database import Database
from event_seating.db.direct import Prepared
from event_seating.db.tables import metadata

EVENT_ID = "event_id"

NAMED_OTHERWISE = {"events": "id"}
"""The one exception: in the table of events themselves the event's id is the row's own, and the
rows that belong to it are kept where it says."""

REFERENCE_TABLES = {
    "users": "few and small, and each event asks for any of them",
    "venues": "few and small, and a venue is that of many events",
    "venue_versions": "written once and never changed; a version is that of many events",
}
"""What a foreign key may lead to from any event, each with the reason. None is declared so far."""

_WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)", re.ASCII)


def prepared_statements() -> dict[str, Prepared]:
    """The statements of a transaction on a seat log on PostgreSQL, by name."""
    statements = Statements(Database("postgresql+asyncpg://localhost/nothing"))
    return {name: each for name, each in vars(statements).items() if isinstance(each, Prepared)}


def written(statement: Prepared) -> set[str]:
    """The tables that a statement writes."""
    return set(_WRITES.findall(statement.sql.replace("DO UPDATE SET", "")))


def tables_of_seat_transactions() -> dict[str, Table]:
    """Those that the statements write, and whichever else a module of the seat log names."""
    names = {name for each in prepared_statements().values() for name in written(each)}
    found = {name: metadata.tables[name] for name in sorted(names)}
    for module in pkgutil.iter_modules(seat_log.__path__, f"{seat_log.__name__}."):
        members = vars(importlib.import_module(module.name)).values()
        found |= {each.name: each for each in members if isinstance(each, Table)}
    return found


def event_column(table: Table) -> str:
    """The column that says to which event a row belongs."""
    return NAMED_OTHERWISE.get(table.name, EVENT_ID)


def unique_keys(table: Table) -> Iterator[tuple[str, list[str]]]:
    """What is unique in a table: what kind of key, and its columns in order."""
    yield "the primary key", list(table.primary_key.columns.keys())
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield "a unique constraint", list(constraint.columns.keys())
    for index in table.indexes:
        if index.unique:
            yield f"the unique index {index.name}", list(index.columns.keys())


def stays_inside_an_event(key: ForeignKeyConstraint) -> bool:
    """Whether the event's id is among what the two rows have in common."""
    common = {(element.parent.name, element.column.name) for element in key.elements}
    return (event_column(key.table), event_column(key.referred_table)) in common


def faults(table: Table) -> Iterator[str]:
    """What keeps the rows of an event from being kept together, and what to do."""
    column = event_column(table)
    for kind, columns in unique_keys(table):
        if columns[:1] != [column]:
            yield (
                f"{table.name}: {kind} is ({', '.join(columns)}); put {column} first, "
                "so that a node can see by itself that it is unique"
            )
    for key in table.foreign_key_constraints:
        referred = key.referred_table
        if referred.name not in REFERENCE_TABLES and not stays_inside_an_event(key):
            yield (
                f"{table.name}: the foreign key ({', '.join(key.column_keys)}) leads out of the "
                f"event, to {referred.name}; put {column} into both sides of it, or name "
                f"{referred.name} in REFERENCE_TABLES with the reason"
            )


@pytest.mark.parametrize(
    "table", tables_of_seat_transactions().values(), ids=lambda each: each.name
)
def test_the_rows_of_an_event_can_be_kept_together(table: Table) -> None:
    found = list(faults(table))
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("name", prepared_statements())
def test_each_statement_of_a_seat_transaction_is_about_one_event(name: str) -> None:
    statement = prepared_statements()[name]
    assert {EVENT_ID, f"b_{EVENT_ID}"} & set(statement.names), (
        f"{name} names no event, so that a transaction would touch every node: compare with "
        f":{EVENT_ID}, or insert it\n{statement.sql}"
    )


def test_the_tables_are_found_in_the_statements() -> None:
    by_statement = {name: written(each) for name, each in prepared_statements().items()}
    assert by_statement["append"] == {"seat_log"}
    assert by_statement["put_answer"] == {"idempotency"}
    assert by_statement["free_seat"] == {"booked_seats"}
    assert by_statement["configure"] == {"events"}
    assert by_statement["rows_under_lock"] == set()
    assert set(tables_of_seat_transactions()) >= {"bookings", "booking_lines", "outbox"}


class TestWhatIsLookedForWouldBeFound:
    def table(self, *more: SchemaItem, key: str = EVENT_ID) -> Table:
        """A table of an event's seats with this column first in its primary key."""
        known = MetaData()
        Table("events", known, Column("id", Text, primary_key=True))
        Table("users", known, Column("id", Text, primary_key=True))
        Table("gates", known, Column("id", Text, primary_key=True))
        Table(
            "scans",
            known,
            Column(EVENT_ID, Text, primary_key=True),
            Column("id", Text, primary_key=True),
        )
        columns = [Column(key, Text, primary_key=True), Column("seat", Text, primary_key=True)]
        return Table("planted", known, *columns, *more)

    def test_a_table_by_event_passes(self) -> None:
        allowed = (
            UniqueConstraint(EVENT_ID, "seat"),
            ForeignKeyConstraint([EVENT_ID, "seat"], ["scans.event_id", "scans.id"]),
            ForeignKeyConstraint([EVENT_ID], ["events.id"]),
            Column("buyer", Text, ForeignKey("users.id")),
            Index("seats_need_no_event_where_they_are_not_unique", "seat"),
        )
        assert list(faults(self.table(*allowed))) == []

    def test_a_primary_key_without_the_event(self) -> None:
        (fault,) = faults(self.table(key="gate"))
        assert fault.startswith("planted: the primary key is (gate, seat); put event_id first")

    def test_a_primary_key_that_ends_with_the_event(self) -> None:
        (fault,) = faults(self.table(Column(EVENT_ID, Text, primary_key=True), key="gate"))
        assert "(gate, seat, event_id)" in fault

    @pytest.mark.parametrize(
        ("more", "kind"),
        [
            (UniqueConstraint("seat"), "a unique constraint is (seat)"),
            (Column("code", Text, unique=True), "a unique constraint is (code)"),
            (Index("codes", "seat", EVENT_ID, unique=True), "the unique index codes is (seat,"),
        ],
    )
    def test_what_is_unique_across_events(self, more: SchemaItem, kind: str) -> None:
        (fault,) = faults(self.table(more))
        assert kind in fault

    @pytest.mark.parametrize(
        "more",
        [
            Column("gate", Text, ForeignKey("gates.id")),
            ForeignKeyConstraint(["seat"], ["scans.id"]),
        ],
    )
    def test_a_foreign_key_out_of_the_event(self, more: SchemaItem) -> None:
        (fault,) = faults(self.table(more))
        assert "leads out of the event" in fault
