"""Every query of frozen quotes."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import bindparam, select

from commerce.kernel import jsons
from commerce.kernel.database import Row, Tx, insert_once
from commerce.pricing import model
from commerce.pricing.model import Destination, Quote
from commerce.pricing.tables import QUOTES

ADD = insert_once(QUOTES, "key")
GET = select(QUOTES).where(QUOTES.c.id == bindparam("quote"))
BY_KEY = select(QUOTES).where(QUOTES.c.key == bindparam("quote_key"))


def _quote(row: Row) -> Quote:
    body = jsons.loads(row["body"])
    return Quote(
        id=row["id"],
        items=tuple(model.item_from_json(item) for item in body["items"]),
        destination=Destination(**body["destination"]),
        language=body["language"],
        lines=tuple(model.line_from_json(line) for line in body["lines"]),
        total_minor=row["total_minor"],
        currency=row["currency"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
    )


async def add(tx: Tx, quote: Quote, *, key: str, request: dict[str, Any]) -> bool:
    """False where the key exists."""
    added = await tx.run(
        ADD,
        id=quote.id,
        key=key,
        request=jsons.dumps(request),
        body=jsons.dumps(quote.to_json()),
        total_minor=quote.total_minor,
        currency=quote.currency,
        expires_at=quote.expires_at,
        created_at=quote.created_at,
    )
    return bool(added)


async def get(tx: Tx, quote_id: str) -> Quote | None:
    row = await tx.first(GET, quote=quote_id)
    return _quote(row) if row else None


async def by_key(tx: Tx, key: str) -> tuple[Quote, dict[str, Any]] | None:
    """The quote and what was asked for it."""
    row = await tx.first(BY_KEY, quote_key=key)
    return (_quote(row), cast("dict[str, Any]", jsons.loads(row["request"]))) if row else None
