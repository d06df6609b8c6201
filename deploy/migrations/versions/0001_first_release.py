"""The first release."""

import importlib

import sqlalchemy as sa
from alembic import op

from commerce.kernel.columns import metadata
from deploy import tables

revision = "0001"
down_revision = None

NOW_OF_POSTGRESQL = """
CREATE FUNCTION livetill_now() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('livetill.clock_at', true), '')::bigint,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    )
$$
"""


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        for s in sorted({t.schema for t in metadata.tables.values() if t.schema}):
            op.execute(f"CREATE SCHEMA {s}")
        op.execute(NOW_OF_POSTGRESQL)
    metadata.create_all(bind)
    for name in tables.LOADED:
        guards = getattr(importlib.import_module(name), "GUARDS", {})
        for statement in guards.get(bind.dialect.name, ()):
            op.execute(sa.text(statement.replace(":", "\\:")))
