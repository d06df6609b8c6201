"""Postings that wait, seals over the transfers, and balances that follow them."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.types import COUNT

revision = "0009"
down_revision = "0008"

NO_HASH = "0" * 64
COLUMNS = "id, posting_id, n, reason, reference, debit, credit, currency, amount_minor, at"


def _account(column: str) -> dict[str, str]:
    return {
        "sqlite": f"{column} NOT GLOB '*[^a-z_]*' AND {column} <> '' OR {column} GLOB '[a-z]*:?*'",
        "postgresql": f"{column} ~ '^[a-z_]+(:.+)?$'",
    }


CHECKS: dict[str, str | dict[str, str]] = {
    "transfers_id_is_the_place": "id = posting_id || '/' || CAST(n AS TEXT)"
    " || CASE WHEN kind IN ('settle', 'void') THEN '/end' ELSE '' END",
    "transfers_number_from_one": "n >= 1",
    "transfers_kind": "kind = 'post' OR kind IN ('pend', 'settle', 'void')",
    "transfers_amount_positive": "amount_minor BETWEEN 1 AND 1000000000000000",
    "transfers_two_accounts": "debit <> credit",
    "transfers_debit_is_an_account": _account("debit"),
    "transfers_credit_is_an_account": _account("credit"),
    "transfers_currency_is_iso4217": {
        "sqlite": "currency GLOB '[A-Z][A-Z][A-Z]'",
        "postgresql": "currency ~ '^[A-Z]{3}$'",
    },
}
INDEXES = {
    "transfers_posting": ["posting_id"],
    "transfers_debit": ["debit", "at"],
    "transfers_credit": ["credit", "at"],
    "transfers_reference": ["reference"],
}
MATCHES = (
    "p.id = NEW.posting_id || '/' || NEW.n AND p.kind = 'pend' AND p.debit = NEW.debit"
    " AND p.credit = NEW.credit AND p.currency = NEW.currency"
    " AND p.amount_minor = NEW.amount_minor"
)
ENDS_NOTHING = "ends no transfer that waits"
NOT_SEALED = "waits for its seal"


def _check(name: str) -> str:
    check = CHECKS[name]
    words = check if isinstance(check, str) else check[op.get_bind().dialect.name]
    return words.replace(":", "\\:")  # or the text would have a parameter


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    _unsealed()
    _seals()
    _account_balances()
    for name in ("transfers_credit", "transfers_debit", "transfers_reference"):
        op.drop_index(name, "transfers", schema="ledger")
    if sqlite:
        _transfers_again()
    else:
        _transfers_altered()
    for name, columns in INDEXES.items():
        op.create_index(name, "transfers", columns, unique=False, schema="ledger")
    if sqlite:
        _triggers_of_sqlite()
    else:
        _triggers_of_postgresql()
    keep("ledger", "seals")
    prefix = "" if sqlite else "ledger."
    op.execute(
        f"INSERT INTO {prefix}unsealed (transfer_id)"
        f" SELECT id FROM {prefix}transfers ORDER BY at, posting_id, n"
    )
    op.execute(f"INSERT INTO {prefix}seal_head (id, seq, hash) VALUES (1, 0, '{NO_HASH}')")


def _unsealed() -> None:
    op.create_table(
        "unsealed",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="ledger",
        sqlite_strict=True,
    )


def _seals() -> None:
    op.create_table(
        "seals",
        sa.Column("seq", COUNT, autoincrement=False, nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("seq >= 1", name="seals_from_one"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("transfer_id", name="seals_transfer_once"),
        schema="ledger",
        sqlite_strict=True,
    )
    op.create_table(
        "seal_head",
        sa.Column("id", COUNT, autoincrement=False, nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="seal_head_only_one"),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
        sqlite_strict=True,
    )


def _account_balances() -> None:
    op.create_table(
        "account_balances",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("debit_minor", COUNT, nullable=False),
        sa.Column("credit_minor", COUNT, nullable=False),
        sa.Column("pending_debit_minor", COUNT, nullable=False),
        sa.Column("pending_credit_minor", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("account", "currency"),
        schema="ledger",
        sqlite_strict=True,
    )


def _transfers_again() -> None:
    """SQLite cannot alter checks: a new table takes the rows, and then the name."""
    op.create_table(
        "transfers_again",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("n", COUNT, nullable=False),
        sa.Column("kind", sa.Text(), server_default="post", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        *(sa.CheckConstraint(_check(name), name=name) for name in CHECKS),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
        sqlite_strict=True,
    )
    op.execute(f"INSERT INTO transfers_again ({COLUMNS}) SELECT {COLUMNS} FROM transfers")
    op.drop_table("transfers", schema="ledger")
    op.execute("ALTER TABLE transfers_again RENAME TO transfers")
    keep("ledger", "transfers")


def _transfers_altered() -> None:
    op.add_column(
        "transfers",
        sa.Column("kind", sa.Text(), server_default="post", nullable=False),
        schema="ledger",
    )
    op.drop_constraint("transfers_number_once", "transfers", schema="ledger", type_="unique")
    kept = {"transfers_two_accounts"}
    for name in ("transfers_amount_positive", "transfers_currency_is_iso4217"):
        op.drop_constraint(name, "transfers", schema="ledger", type_="check")
    for name in CHECKS.keys() - kept:
        op.create_check_constraint(name, "transfers", _check(name), schema="ledger")


def _triggers_of_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER transfers_await_seal AFTER INSERT ON transfers"
        " BEGIN INSERT INTO unsealed (transfer_id) VALUES (NEW.id); END"
    )
    op.execute(
        "CREATE TRIGGER transfers_end_what_waits BEFORE INSERT ON transfers"
        " WHEN NEW.kind IN ('settle', 'void')"
        f" AND NOT EXISTS (SELECT 1 FROM transfers p WHERE {MATCHES})"
        f" BEGIN SELECT RAISE(ABORT, 'transfers: {ENDS_NOTHING}'); END"
    )
    op.execute(
        "CREATE TRIGGER unsealed_no_delete BEFORE DELETE ON unsealed"
        " WHEN NOT EXISTS (SELECT 1 FROM seals WHERE transfer_id = OLD.transfer_id)"
        f" BEGIN SELECT RAISE(ABORT, 'unsealed: {NOT_SEALED}'); END"
    )
    op.execute(
        "CREATE TRIGGER unsealed_no_update BEFORE UPDATE ON unsealed"
        f" BEGIN SELECT RAISE(ABORT, 'unsealed: {NOT_SEALED}'); END"
    )


def _triggers_of_postgresql() -> None:
    # With the owner's rights: the application itself may not write the list of what waits.
    op.execute(
        "CREATE FUNCTION ledger.await_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS $$ BEGIN IF NEW.kind IN ('settle', 'void') AND NOT EXISTS"
        f" (SELECT FROM ledger.transfers p WHERE {MATCHES}) THEN"
        f" RAISE EXCEPTION 'ledger.transfers: % {ENDS_NOTHING}', NEW.id; END IF;"
        " INSERT INTO ledger.unsealed (transfer_id) VALUES (NEW.id); RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION ledger.leave_what_waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT FROM gone WHERE NOT EXISTS"
        " (SELECT FROM ledger.seals s WHERE s.transfer_id = gone.transfer_id)) THEN"
        f" RAISE EXCEPTION 'ledger.unsealed: a transfer {NOT_SEALED}'; END IF; RETURN NULL; END $$"
    )
    _trigger("transfers", "await_seal", "AFTER INSERT", "FOR EACH ROW")
    _trigger(
        "unsealed",
        "leave_what_waits",
        "AFTER DELETE",
        "REFERENCING OLD TABLE AS gone FOR EACH STATEMENT",
    )


def _trigger(table: str, name: str, moment: str, each: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} {moment} ON ledger.{table} {each}"
        f" EXECUTE FUNCTION ledger.{name}()"
    )
    # ALWAYS: also where session_replication_role says that triggers are asleep.
    op.execute(f"ALTER TABLE ledger.{table} ENABLE ALWAYS TRIGGER {table}_{name}")
