"""The index that products are found by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from deploy.migrations.types import COUNT

revision = "0017"
down_revision = "0016"

WORDS = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")
# The words are folded before they come here: what parts them is a space.
FTS5 = """
CREATE VIRTUAL TABLE search_words USING fts5(
    words, content='search_entries', content_rowid='doc',
    tokenize="ascii tokenchars '_-'", detail='none', prefix='2 3'
)
"""
ADD = "INSERT INTO search_words (rowid, words) VALUES (new.doc, new.words);"
TAKE_OFF = (
    "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', old.doc, old.words);"
)
# Planned anew for each search: only then the planner knows how frequent its words are.
MATCHING = """
CREATE FUNCTION catalog.search_matching(wanted tsquery, low bigint, high bigint, most bigint)
RETURNS TABLE (
    product_id text, created_at bigint, currency text, price_minor bigint, heading text, facets text
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT e.product_id, e.created_at, e.currency, e.price_minor, e.heading, e.facets'
        ' FROM catalog.search_entries e'
        ' WHERE e.words @@ %L::tsquery AND e.price_minor BETWEEN %L AND %L'
        ' ORDER BY e.doc DESC LIMIT %L',
        wanted, low, high, most
    );
END $$
"""
TRIGGERS = {
    "added": ("INSERT", ADD),
    "removed": ("DELETE", TAKE_OFF),
    "changed": ("UPDATE OF words", TAKE_OFF + ADD),
}


def upgrade() -> None:
    """Empty: `livetill reindex`, or the sweep of a till that runs, fills it."""
    op.create_table(
        "search_entries",
        sa.Column("doc", COUNT, autoincrement=True, nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("version", COUNT, server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("price_minor", COUNT, server_default="0", nullable=False),
        sa.Column("created_at", COUNT, server_default="0", nullable=False),
        sa.Column("heading", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("facets", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("words", WORDS, server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("doc"),
        sa.UniqueConstraint("product_id"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "search_entries_words",
        "search_entries",
        ["words"],
        schema="catalog",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        sqlite_where=sa.text("0 = 1"),
    )
    _words("search_terms", "term")
    _words("search_grams", "gram", "term")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(MATCHING)
    else:
        op.execute(FTS5)
        for name, (event, work) in TRIGGERS.items():
            op.execute(
                f"CREATE TRIGGER search_entries_{name} AFTER {event} ON search_entries"
                f" BEGIN {work} END"
            )


def _words(name: str, *columns: str) -> None:
    op.create_table(
        name,
        *(sa.Column(column, sa.Text(), nullable=False) for column in columns),
        sa.PrimaryKeyConstraint(*columns),
        schema="catalog",
        sqlite_strict=True,
    )
