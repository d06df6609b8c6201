"""Tables of the search: an entry per product, and the words by which slips are put right.

On SQLite, FTS5 has an index of the entries' words beside this, kept by triggers.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects import postgresql

from commerce.kernel.columns import Amount, Count, Id, Instant, Text, number, table

Words = Text().with_variant(postgresql.TSVECTOR(), "postgresql")

SEARCH_ENTRIES = table(
    "catalog",
    "search_entries",
    number("doc"),
    Column("product_id", Id, nullable=False, unique=True),
    Column("version", Count, nullable=False, server_default="0"),  # of the product
    Column("currency", Text, nullable=False, server_default=text("''")),
    Column("price_minor", Amount, nullable=False, server_default="0"),  # from
    Column("created_at", Instant, nullable=False, server_default="0"),
    Column("heading", Text, nullable=False, server_default=text("''")),  # the title's words, folded
    Column("facets", Text, nullable=False, server_default=text("''")),  # what is counted
    Column("words", Words, nullable=False, server_default=text("''")),  # what is looked for
    Index(
        "search_entries_words",
        "words",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # or each search reads what is not yet merged
        sqlite_where=text("0 = 1"),  # there FTS5 has them
    ),
)

# Words once seen stay: a correction is made only to one that finds something.
SEARCH_TERMS = table(
    "catalog",
    "search_terms",
    Column("term", Text, primary_key=True),
)

SEARCH_GRAMS = table(
    "catalog",
    "search_grams",
    Column("gram", Text, primary_key=True),
    Column("term", Text, primary_key=True),
)
