"""What the application may do on PostgreSQL: read and write, but neither change the schema nor edit
what is only added to.

Granted anew after every migration, for all tables there are, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from commerce.kernel.postgresql import APP_ROLE

# Other databases of the same server may be doing the same at this moment.
CREATE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        CREATE ROLE {APP_ROLE} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END $$
"""
EXISTS = f"SELECT count(*) FROM pg_roles WHERE rolname = '{APP_ROLE}'"
JOIN = f"""
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{APP_ROLE}', '%s') THEN
        GRANT {APP_ROLE} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN unique_violation OR internal_error OR insufficient_privilege THEN NULL;
END $$
"""
# Empty for the application itself, which may ask whether there is anything to migrate.
OURS = "SELECT nspname FROM pg_namespace WHERE pg_has_role(current_user, nspowner, 'USAGE')"
GRANT = (
    f"GRANT USAGE ON SCHEMA {{schemas}} TO {APP_ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{schemas}} TO {APP_ROLE}",
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {{schemas}} TO {APP_ROLE}",
    f"GRANT SELECT ON alembic_version TO {APP_ROLE}",
)
# What `guards.keep` keeps: without columns the whole row, with columns at least its being there.
KEEP = f"""
DO $$ DECLARE kept record; BEGIN
    FOR kept IN
        SELECT tgrelid::regclass AS name, tgattr::text = '' AS entirely FROM pg_trigger
        WHERE tgfoid = 'kernel.refuse_change'::regproc AND tgname LIKE '%\\_no\\_change'
    LOOP
        EXECUTE format('REVOKE DELETE ON %s FROM {APP_ROLE}', kept.name);
        IF kept.entirely THEN
            EXECUTE format('REVOKE UPDATE ON %s FROM {APP_ROLE}', kept.name);
        END IF;
    END LOOP;
END $$
"""
# The list of what waits for its seal is written by the database itself.
LEAVE = f"""
DO $$ BEGIN
    IF to_regclass('ledger.unsealed') IS NOT NULL THEN
        REVOKE INSERT, UPDATE ON ledger.unsealed FROM {APP_ROLE};
    END IF;
END $$
"""


def grant(connection: Connection, contexts: Sequence[str]) -> None:
    """Where the operator may make no roles, everything stays as it is; the start-up tells."""
    if connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(CREATE)
    if not connection.exec_driver_sql(EXISTS).scalar():
        return
    server = connection.dialect.server_version_info or (0,)
    connection.exec_driver_sql(JOIN % ("SET" if server >= (16,) else "MEMBER"))
    ours = set(connection.exec_driver_sql(OURS).scalars())
    schemas = ", ".join(context for context in contexts if context in ours)
    if not schemas:
        return
    for statement in GRANT:
        connection.exec_driver_sql(statement.format(schemas=schemas))
    connection.exec_driver_sql(KEEP)
    connection.exec_driver_sql(LEAVE)
