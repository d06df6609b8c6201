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
