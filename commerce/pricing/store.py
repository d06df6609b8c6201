"""Every query of frozen quotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import bindparam, select

from commerce.kernel import jsons
from commerce.kernel.database import Row, Tx, insert_once
from commerce.pricing import basis
from commerce.pricing.basis import Basis
from commerce.pricing.model import Line, LineKind, Quote
from commerce.pricing.tables import QUOTES
from commerce.shipping import Destination

ADD = insert_once(QUOTES, "key")
GET = select(QUOTES).where(QUOTES.c.id == bindparam("quote"))
BY_KEY = select(QUOTES).where(QUOTES.c.key == bindparam("quote_key"))


def _quote(row: Row) -> Quote:
    body = jsons.loads(row["body"])
    refused = body.get("coupon_refused")
    return Quote(
        id=row["id"],
        basis=_basis(body, row["created_at"]),
        lines=tuple(_line(line) for line in body["lines"]),
        total_minor=row["total_minor"],
        currency=row["currency"],
        discounts=tuple(basis.discount_from_json(one) for one in body.get("discounts", ())),
        coupon_refused=basis.not_applied_from_json(refused) if refused else None,
        expires_at=row["expires_at"],
        created_at=row["created_at"],
    )


def _basis(body: Mapping[str, Any], created_at: int) -> Basis:
    """The first quotes kept less: enough to place an order, too little to be made again."""
    if "basis" in body:
        return basis.basis_from_json(body["basis"])
    return Basis(
        at=created_at,
        language=body["language"],
        items=tuple(basis.item_from_json(item) for item in body["items"]),
        destination=Destination(**body["destination"]),
    )


def _line(body: Mapping[str, Any]) -> Line:
    return Line(**{**body, "kind": LineKind(body["kind"])})


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
