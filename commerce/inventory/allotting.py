"""Who gets what when several ask at once, and from which warehouses: decided without effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from commerce.inventory.model import (
    HOLD_LIFE,
    BadQuantity,
    Hold,
    HoldDiffers,
    HoldRequest,
    OutOfStock,
    Part,
    SkuSuspended,
    Stock,
    UnknownSku,
)
from commerce.kernel.errors import Refusal

Answer = Hold | Refusal
Left = dict[str, int]  # pieces by warehouse, in the order of their names


def left_of(shelves: Sequence[Stock]) -> Left:
    """What one SKU still has; nothing while it is suspended."""
    return {one.warehouse: 0 if one.suspended else one.available for one in shelves}


def parts_from(left: Left, quantity: int) -> tuple[Part, ...] | None:
    """All from the first warehouse that has enough, else from as few as can be; None of too few."""
    for warehouse, pieces in left.items():
        if pieces >= quantity:
            return (Part(warehouse, quantity),)
    if sum(left.values()) < quantity:
        return None
    parts, missing = [], quantity
    for warehouse, pieces in sorted(left.items(), key=lambda one: (-one[1], one[0])):
        parts.append(Part(warehouse, min(pieces, missing)))
        missing -= pieces
        if missing <= 0:
            break
    return tuple(sorted(parts))


def allot(
    requests: Sequence[HoldRequest],
    *,
    stock: Mapping[str, Sequence[Stock]],
    known: Mapping[str, Hold],
    new_ids: Sequence[str],
    now: int,
) -> tuple[list[Answer], list[Hold]]:
    """Answer each request, first come first served; also the holds that are new.

    `stock` are the shelves of each SKU, `known` are the holds that these keys made before.
    """
    left = {sku: left_of(shelves) for sku, shelves in stock.items()}
    suspended = {sku for sku, shelves in stock.items() if any(one.suspended for one in shelves)}
    seen, fresh = dict(known), list[Hold]()
    answers: list[Answer] = []
    for request, new_id in zip(requests, new_ids, strict=True):
        earlier = seen.get(request.key)
        if earlier is not None:
            answers.append(earlier if _same(request, earlier) else HoldDiffers(key=request.key))
            continue
        if request.sku in suspended:
            answers.append(SkuSuspended(sku=request.sku))
            continue
        answer = _allot_one(request, left.get(request.sku), new_id, now)
        if isinstance(answer, Hold):
            seen[request.key] = answer
            fresh.append(answer)
        answers.append(answer)
    return answers, fresh


def _allot_one(request: HoldRequest, left: Left | None, new_id: str, now: int) -> Answer:
    if left is None:
        return UnknownSku(sku=request.sku)
    if request.quantity < 1:
        return BadQuantity(sku=request.sku, quantity=request.quantity)
    parts = parts_from(left, request.quantity)
    if parts is None:
        return out_of_stock(request.sku, request.quantity, left)
    for warehouse, pieces in parts:
        left[warehouse] -= pieces
    return Hold(
        id=new_id,
        key=request.key,
        sku=request.sku,
        quantity=request.quantity,
        parts=parts,
        owner=request.owner,
        reference=request.reference,
        status=HOLD_LIFE.start,
        expires_at=now + request.seconds * 1_000_000,
    )


def _same(request: HoldRequest, hold: Hold) -> bool:
    asked = (request.sku, request.quantity, request.owner)
    return asked == (hold.sku, hold.quantity, hold.owner)


def out_of_stock(sku: str, asked: int, left: Left) -> OutOfStock:
    return OutOfStock(sku=sku, asked=asked, available=sum(left.values()))


def freed_by(parts: Sequence[Part], left: Left) -> Left:
    """What is left once these pieces are let go, too: what a hold of them could be moved onto."""
    return left | {part.warehouse: left.get(part.warehouse, 0) + part.quantity for part in parts}


def fits(parts: Sequence[Part], left: Left) -> bool:
    return all(left.get(part.warehouse, 0) >= part.quantity for part in parts)
