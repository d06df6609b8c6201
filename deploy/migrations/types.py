"""The column types of migrations, as both databases take them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
