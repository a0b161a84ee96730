"""What Alembic runs: the migrations, on the connection that `db/schema.py` hands in."""

from alembic import context

from event_seating.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
