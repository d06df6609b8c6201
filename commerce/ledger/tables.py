"""The tables of the ledger: transfers and their seals are only added to, the rest follows them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint

from commerce.kernel.columns import (
    Amount,
    Count,
    Id,
    Instant,
    Text,
    by_dialect,
    number,
    table,
)
from commerce.kernel.money import AMOUNT_MINOR_MAX
from commerce.ledger.model import Kind

# A row's id is its place, so that the primary key lets a transfer be written, and be ended, once.
PLACE = (
    "id = posting_id || '/' || CAST(n AS TEXT)"
    " || CASE WHEN kind IN ('settle', 'void') THEN '/end' ELSE '' END"
)
# Not one list of all: SQLite builds a table for a long one, at every insert.
KNOWN_KIND = "kind = 'post' OR kind IN ('pend', 'settle', 'void')"


def account_check(column: str) -> CheckConstraint:
    """`head` or `head:detail`; the chart itself is in the code."""
    return CheckConstraint(
        by_dialect(
            sqlite=f"{column} NOT GLOB '*[^a-z_]*' AND {column} <> '' OR {column} GLOB '[a-z]*:?*'",
            postgresql=f"{column} ~ '^[a-z_]+(:.+)?$'",
        ),
        name=f"transfers_{column}_is_an_account",
    )


TRANSFERS = table(
    "ledger",
    "transfers",
    Column("id", Text, primary_key=True),
    Column("posting_id", Id, nullable=False),
    Column("n", Count, nullable=False),  # 1, 2, 3... within the posting
    Column("kind", Text, nullable=False, server_default=Kind.POST),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("debit", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint(PLACE, name="transfers_id_is_the_place"),
    CheckConstraint("n >= 1", name="transfers_number_from_one"),
    CheckConstraint(KNOWN_KIND, name="transfers_kind"),
    CheckConstraint(
        f"amount_minor BETWEEN 1 AND {AMOUNT_MINOR_MAX}", name="transfers_amount_positive"
    ),
    CheckConstraint("debit <> credit", name="transfers_two_accounts"),
    account_check("debit"),
    account_check("credit"),
    CheckConstraint(
        by_dialect(sqlite="currency GLOB '[A-Z][A-Z][A-Z]'", postgresql="currency ~ '^[A-Z]{3}$'"),
        name="transfers_currency_is_iso4217",
    ),
    Index("transfers_posting", "posting_id"),
    Index("transfers_debit", "debit", "at"),
    Index("transfers_credit", "credit", "at"),
    Index("transfers_reference", "reference"),
)

# A trigger writes it, whoever inserts a transfer. Commits overtake each other, so what is not yet
# sealed is a list; everything after the last sealed number would miss those that came late.
UNSEALED = table(
    "ledger",
    "unsealed",
    number(),
    Column("transfer_id", Text, nullable=False),
)

SEALS = table(
    "ledger",
    "seals",
    Column("seq", Count, primary_key=True, autoincrement=False),  # 1, 2, 3... without a gap
    Column("transfer_id", Text, nullable=False),
    Column("hash", Text, nullable=False),  # of the hash before it and of the whole transfer
    UniqueConstraint("transfer_id", name="seals_transfer_once"),
    CheckConstraint("seq >= 1", name="seals_from_one"),
)

# One row: who locks it may seal.
SEAL_HEAD = table(
    "ledger",
    "seal_head",
    Column("id", Count, primary_key=True, autoincrement=False),
    Column("seq", Count, nullable=False),  # of the newest seal
    Column("hash", Text, nullable=False),
    CheckConstraint("id = 1", name="seal_head_only_one"),
)

ACCOUNT_BALANCES = table(
    "ledger",
    "account_balances",
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("debit_minor", Amount, nullable=False),
    Column("credit_minor", Amount, nullable=False),
    Column("pending_debit_minor", Amount, nullable=False),
    Column("pending_credit_minor", Amount, nullable=False),
)
