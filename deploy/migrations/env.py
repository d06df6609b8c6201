"""What Alembic runs: it uses the connection that `deploy.migrations` opened."""

from alembic import context

from commerce.kernel.columns import metadata
from deploy.migrations import contexts, role

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, include_schemas=True)
context.run_migrations()
role.grant(connection, contexts())
