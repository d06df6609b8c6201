"""What came of comparing providers' reports with the books: each run, and what it found."""

from __future__ import annotations

from sqlalchemy import Column, Index, UniqueConstraint, text

from commerce.checkout.reconciliation_values import DifferenceStatus, Kind, RunStatus
from commerce.kernel.columns import Count, Id, Instant, Json, Text, status_check, table

RUNS = table(
    "checkout",
    "reconciliation_runs",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # provider and day, or the file's fingerprint
    Column("provider", Text, nullable=False),
    Column("source", Text, nullable=False),  # api, or the name of the file
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("lines", Count, nullable=False),
    Column("matched", Count, nullable=False),
    Column("fees_posted", Count, nullable=False),
    Column("totals", Json, nullable=False),  # by currency
    Column("failure", Text, nullable=False),
    Column("tries", Count, nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    status_check("reconciliation_runs_status", "status", RunStatus),
)
Index("reconciliation_runs_of_provider", RUNS.c.provider, RUNS.c.since)

DIFFERENCES = table(
    "checkout",
    "reconciliation_differences",
    Column("id", Id, primary_key=True),
    Column("run_id", Id, nullable=False),  # that found it last
    Column("provider", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("order_code", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the last time
    Column("closed_at", Instant),
    Column("closed_by", Text, nullable=False),  # a person; "" = a later comparison
    Column("reason", Text, nullable=False),
    UniqueConstraint("provider", "kind", "about", name="reconciliation_differences_once"),
    status_check("reconciliation_differences_kind", "kind", Kind),
    status_check("reconciliation_differences_status", "status", DifferenceStatus),
)
Index("reconciliation_differences_of_run", DIFFERENCES.c.run_id)
Index(
    "reconciliation_differences_open",
    DIFFERENCES.c.provider,
    DIFFERENCES.c.found_at,
    postgresql_where=text("status = 'open'"),
    sqlite_where=text("status = 'open'"),
)
