"""The one table of the ledger: transfers, to which rows are only ever added."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint

from commerce.kernel.columns import Amount, Count, Id, Instant, Text, table

TRANSFERS = table(
    "ledger",
    "transfers",
    Column("id", Text, primary_key=True),  # posting_id/n
    Column("posting_id", Id, nullable=False),
    Column("n", Count, nullable=False),  # 1, 2, 3... within the posting
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("debit", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("posting_id", "n", name="transfers_number_once"),
    CheckConstraint("amount_minor > 0", name="transfers_amount_positive"),
    CheckConstraint("debit <> credit", name="transfers_two_accounts"),
    CheckConstraint("length(currency) = 3", name="transfers_currency_is_iso4217"),
    Index("transfers_debit", "debit", "currency", "at"),
    Index("transfers_credit", "credit", "currency", "at"),
    Index("transfers_reference", "reference"),
)

# Money that moved stays moved: a mistake is followed by its correction.
GUARDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers "
        "BEGIN SELECT RAISE(ABORT, 'transfers is append-only'); END",
        "CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers "
        "BEGIN SELECT RAISE(ABORT, 'transfers is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION ledger.append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'ledger.% is append-only', TG_TABLE_NAME; END $$",
        "CREATE TRIGGER transfers_no_change BEFORE UPDATE OR DELETE ON ledger.transfers "
        "FOR EACH ROW EXECUTE FUNCTION ledger.append_only()",
        "CREATE TRIGGER transfers_no_truncate BEFORE TRUNCATE ON ledger.transfers "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()",
        "ALTER TABLE ledger.transfers ENABLE ALWAYS TRIGGER transfers_no_change",
        "ALTER TABLE ledger.transfers ENABLE ALWAYS TRIGGER transfers_no_truncate",
    ),
}
