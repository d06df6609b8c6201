"""Every query and lock of orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, cast, func, insert, select, update
from sqlalchemy.dialects import postgresql

from commerce.accounts import Address
from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.columns import Count, Instant
from commerce.kernel.database import Row, Tx, any_of
from commerce.kernel.errors import Contended
from commerce.orders.model import Item, Line, Move, Order, Status, Tally
from commerce.orders.tables import ORDER_HISTORY, ORDERS

# Either the key or the code may be taken; which one, the caller finds out.
ADD = postgresql.insert(ORDERS).on_conflict_do_nothing()
ADD_MOVE = insert(ORDER_HISTORY)
GET = select(ORDERS).where(ORDERS.c.id == bindparam("order"))
LOCK = GET.with_for_update()
BY_KEY = select(ORDERS).where(ORDERS.c.key == bindparam("order_key"))
CODES = select(ORDERS.c.id, ORDERS.c.code).where(any_of(ORDERS.c.id, "orders"))
BY_CODE = select(ORDERS).where(ORDERS.c.code == bindparam("order_code"))


def _newest(column: Any, name: str) -> Select[Any]:
    return (
        select(ORDERS)
        .where(column == bindparam(name))
        .order_by(ORDERS.c.placed_at.desc(), ORDERS.c.id.desc())
        .limit(bindparam("most", type_=Count))
    )


OF_FAN = _newest(ORDERS.c.fan_id, "fan")
OF_SESSION = _newest(ORDERS.c.session_id, "session")
OF_REFERENCE = _newest(ORDERS.c.reference, "checkout")
HISTORY = (
    select(ORDER_HISTORY)
    .where(ORDER_HISTORY.c.order_id == bindparam("order"))
    .order_by(ORDER_HISTORY.c.version)
)
SAVE_STATUS = (
    update(ORDERS)
    .where(ORDERS.c.id == bindparam("order"), ORDERS.c.version == bindparam("expected"))
    .values(
        status=bindparam("new_status"),
        version=bindparam("new_version"),
        confirmed_at=bindparam("new_confirmed_at"),
        paid_at=bindparam("new_paid_at"),
        cancelled_at=bindparam("new_cancelled_at"),
        refunded_at=bindparam("new_refunded_at"),
    )
)
COUNTS = (
    select(
        ORDERS.c.status,
        ORDERS.c.currency,
        func.count().label("orders"),
        cast(func.sum(ORDERS.c.pieces), Count).label("pieces"),
        cast(func.sum(ORDERS.c.total_minor), Count).label("total_minor"),
    )
    .where(ORDERS.c.session_id == bindparam("session"))
    .group_by(ORDERS.c.status, ORDERS.c.currency)
    .order_by(ORDERS.c.status, ORDERS.c.currency)
)
MINUTE_OF_PAYMENT = ORDERS.c.paid_at // MINUTE
PAID_PER_MINUTE = (
    select(MINUTE_OF_PAYMENT.label("minute"), func.count().label("orders"))
    .where(
        ORDERS.c.session_id == bindparam("session"),
        ORDERS.c.paid_at >= bindparam("since", type_=Instant),
    )
    .group_by(MINUTE_OF_PAYMENT)
    .order_by(MINUTE_OF_PAYMENT)
)

PLAIN = (
    "id", "key", "code", "fan_id", "conversation_id", "session_id", "leader_id", "reference",
    "quote_id", "language", "currency", "total_minor", "placed_at", "version",
    "confirmed_at", "paid_at", "cancelled_at", "refunded_at",
)  # fmt: skip


def _order(row: Row) -> Order:
    return Order(
        **{name: row[name] for name in PLAIN},
        items=tuple(Item(**item) for item in jsons.loads(row["items"])),
        lines=tuple(Line(**line) for line in jsons.loads(row["lines"])),
        address=Address.from_json(jsons.loads(row["address"])),
        status=Status(row["status"]),
    )


async def add(tx: Tx, order: Order) -> bool:
    """False where its key or its code is taken."""
    added = await tx.run(
        ADD,
        **{name: getattr(order, name) for name in PLAIN},
        pieces=order.pieces,
        items=jsons.dumps(order.items),
        lines=jsons.dumps(order.lines),
        address=jsons.dumps(order.address.to_json()),
        status=order.status,
    )
    return bool(added)


async def add_move(tx: Tx, order: Order, *, action: str, reason: str, at: int) -> None:
    await tx.run(
        ADD_MOVE,
        order_id=order.id,
        version=order.version,
        status=order.status,
        action=action,
        reason=reason,
        at=at,
    )


async def save_status(tx: Tx, order: Order) -> None:
    saved = await tx.run(
        SAVE_STATUS,
        order=order.id,
        expected=order.version - 1,
        new_status=order.status,
        new_version=order.version,
        new_confirmed_at=order.confirmed_at,
        new_paid_at=order.paid_at,
        new_cancelled_at=order.cancelled_at,
        new_refunded_at=order.refunded_at,
    )
    if not saved:
        raise Contended(f"order {order.id} changed meanwhile")


async def get(tx: Tx, order_id: str) -> Order | None:
    row = await tx.first(GET, order=order_id)
    return _order(row) if row else None


async def lock(tx: Tx, order_id: str) -> Order | None:
    row = await tx.first(LOCK, order=order_id)
    return _order(row) if row else None


async def by_key(tx: Tx, key: str) -> Order | None:
    row = await tx.first(BY_KEY, order_key=key)
    return _order(row) if row else None


async def by_code(tx: Tx, code: str) -> Order | None:
    row = await tx.first(BY_CODE, order_code=code)
    return _order(row) if row else None


async def codes(tx: Tx, order_ids: Sequence[str]) -> dict[str, str]:
    rows = await tx.all(CODES, orders=list(order_ids))
    return {row["id"]: row["code"] for row in rows}


async def of_fan(tx: Tx, fan_id: str, limit: int) -> list[Order]:
    return [_order(row) for row in await tx.all(OF_FAN, fan=fan_id, most=limit)]


async def of_session(tx: Tx, session_id: str, limit: int) -> list[Order]:
    return [_order(row) for row in await tx.all(OF_SESSION, session=session_id, most=limit)]


async def of_reference(tx: Tx, reference: str) -> Order | None:
    row = await tx.first(OF_REFERENCE, checkout=reference, most=1)
    return _order(row) if row else None


async def history(tx: Tx, order_id: str) -> list[Move]:
    return [
        Move(
            version=row["version"],
            status=Status(row["status"]),
            action=row["action"],
            reason=row["reason"],
            at=row["at"],
        )
        for row in await tx.all(HISTORY, order=order_id)
    ]


async def counts(tx: Tx, session_id: str) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {status.value: Tally(0, 0, {}) for status in Status}
    for row in await tx.all(COUNTS, session=session_id):
        sofar = tallies[row["status"]]
        tallies[row["status"]] = Tally(
            sofar.orders + row["orders"],
            sofar.pieces + row["pieces"],
            {**sofar.totals_minor, row["currency"]: row["total_minor"]},
        )
    return tallies


async def paid_per_minute(tx: Tx, session_id: str, since: int) -> list[tuple[int, int]]:
    rows = await tx.all(PAID_PER_MINUTE, session=session_id, since=since)
    return [(row["minute"] * MINUTE, row["orders"]) for row in rows]
