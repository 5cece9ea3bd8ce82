"""How the migrations are run: on the connection that `database.migrate` gives."""

from alembic import context

from dutchbook.storage.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
