import asyncio
import sqlite3

import asyncpg
import pytest
from sqlalchemy import delete, text, update

from commerce import orders
from commerce.kernel import ids, jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.machine import IllegalMove
from commerce.kernel.tables import OUTBOX
from commerce.orders import Status, Tally, store
from commerce.orders.tables import ORDER_HISTORY, ORDERS
from tests.accounts.factories import an_address
from tests.orders.factories import a_frozen_quote, place
from tests.pricing.factories import a_quote


@pytest.fixture
async def quote(database, clock):
    return await database.unit_of_work(a_frozen_quote)


async def placed(database, quote, **changes):
    return await database.unit_of_work(lambda tx: place(tx, quote, **changes))


async def pay(database, order):
    return await database.unit_of_work(lambda tx: orders.confirm_paid(tx, order.id))


async def cancel(database, order, reason="expired"):
    return await database.unit_of_work(lambda tx: orders.cancel(tx, order.id, reason))


async def refund(database, order):
    return await database.unit_of_work(lambda tx: orders.mark_refunded(tx, order.id, "asked"))


async def stored(database, order):
    return await database.read(lambda tx: orders.order(tx, order.id))


async def moves(database, order):
    history = await database.read(lambda tx: orders.history(tx, order.id))
    return [(move.version, move.status, move.action, move.reason) for move in history]


async def announced(database):
    rows = await database.read(lambda tx: tx.all(OUTBOX.select().order_by(OUTBOX.c.seq)))
    return [(row["name"], jsons.loads(row["payload"])) for row in rows if "order" in row["name"]]


async def test_a_placed_order_is_a_snapshot_of_its_quote(database, quote):
    order = await placed(database, quote)

    assert await stored(database, order) == order
    assert (order.status, order.version, order.total_minor) == (Status.PENDING, 1, 5_490)
    assert [(item.sku, item.quantity, item.unit_price_minor) for item in order.items] == [
        ("shirt-m", 2, 2_500)
    ]
    assert [(line.kind, line.amount_minor) for line in order.lines] == [
        ("goods", 5_000),
        ("delivery", 490),
        ("tax", 0),
    ]
    assert order.address == an_address()
    assert await moves(database, order) == [(1, Status.PENDING, "place", "")]


async def test_what_is_announced_is_enough_for_a_receipt(database, quote):
    order = await placed(database, quote)
    await pay(database, order)

    names, payloads = zip(*await announced(database), strict=True)
    assert names == ("order.placed", "order.paid")
    assert payloads[1] == {
        "order_id": order.id,
        "order_version": 2,
        "order_code": order.code,
        "reference": "checkout-1",
        "conversation_id": "telegram:platform:42",
        "session_id": "session-1",
        "leader_id": "leader-1",
        "fan_id": "fan-1",
        "total_minor": 5_490,
        "currency": "EUR",
        "sku": "shirt-m",
        "title": "Linen shirt",
        "label": "M",
        "quantity": 2,
        "reason": "",
    }


async def test_fifty_equal_placings_at_once_make_one_order(database, quote):
    made = await asyncio.gather(*(placed(database, quote) for _ in range(50)))

    assert len({order.id for order in made}) == 1
    assert len(await database.read(lambda tx: tx.all(ORDERS.select()))) == 1
    assert len(await announced(database)) == 1
    assert await moves(database, made[0]) == [(1, Status.PENDING, "place", "")]


async def test_placing_again_gives_the_order_as_it_is_now(database, quote):
    order = await placed(database, quote)
    paid = await pay(database, order)

    assert await placed(database, quote) == paid


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fan_id", "fan-2"),
        ("conversation_id", "web:platform:1"),
        ("session_id", "session-2"),
        ("leader_id", "leader-2"),
        ("reference", "checkout-2"),
        ("language", "en"),
        ("address", an_address(line1="Calle Menor 2")),
    ],
)
async def test_a_key_for_another_order_is_refused_and_changes_nothing(
    database, quote, field, value
):
    order = await placed(database, quote)

    with pytest.raises(KeyReused) as refused:
        await placed(database, quote, **{field: value})

    assert refused.value.facts["field"] == field
    assert await stored(database, order) == order
    assert len(await announced(database)) == 1


async def test_a_key_with_another_quote_is_refused(database, quote):
    await placed(database, quote)
    other = await database.unit_of_work(lambda tx: a_quote(tx, key="other", quantity=1))

    with pytest.raises(KeyReused):
        await placed(database, other)


async def test_a_code_that_is_taken_is_drawn_again(database, quote):
    ids.set_randomness(7)
    first = await placed(database, quote)
    try:
        ids.set_randomness(7)
        second = await placed(database, quote, key="checkout-2:place", reference="checkout-2")
    finally:
        ids.set_randomness(None)

    assert first.code != second.code
    assert await database.read(lambda tx: orders.by_code(tx, second.code)) == second


async def test_an_order_is_found_by_what_a_person_reads_aloud(database, quote):
    order = await placed(database, quote)
    spoken = f" {order.code[:3].lower()}-{order.code[3:]} "

    assert await database.read(lambda tx: orders.by_code(tx, spoken)) == order
    assert await database.read(lambda tx: orders.by_code(tx, "")) is None
    assert await database.read(lambda tx: orders.order_of(tx, "checkout-1")) == order
    with pytest.raises(orders.NoSuchOrder):
        await database.read(lambda tx: orders.order(tx, "nothing"))


async def test_fifty_payments_at_once_pay_once(database, quote):
    order = await placed(database, quote)

    paid = await asyncio.gather(*(pay(database, order) for _ in range(50)))

    assert {(each.status, each.version) for each in paid} == {(Status.PAID, 2)}
    assert await moves(database, order) == [
        (1, Status.PENDING, "place", ""),
        (2, Status.PAID, "pay", ""),
    ]
    assert [name for name, _ in await announced(database)] == ["order.placed", "order.paid"]


async def test_pay_against_cancel_ends_paid_whoever_was_first(database, quote):
    order = await placed(database, quote)

    outcomes = await asyncio.gather(
        *(act(database, order) for _ in range(10) for act in (pay, cancel)),
        return_exceptions=True,
    )

    assert {type(o) for o in outcomes if isinstance(o, Exception)} <= {IllegalMove}
    assert (await stored(database, order)).status is Status.PAID


async def test_late_money_brings_a_cancelled_order_back_to_life(database, quote, clock):
    order = await placed(database, quote)
    await cancel(database, order, "hold expired")
    clock.advance(MINUTE)

    revived = await pay(database, order)

    assert revived.status is Status.PAID
    assert revived.paid_at == revived.cancelled_at + MINUTE
    assert await moves(database, order) == [
        (1, Status.PENDING, "place", ""),
        (2, Status.CANCELLED, "cancel", "hold expired"),
        (3, Status.PAID, "pay", ""),
    ]


async def test_what_is_refunded_stays_refunded(database, quote):
    order = await placed(database, quote)
    await pay(database, order)
    refunded = await refund(database, order)

    assert await refund(database, order) == refunded
    for act in (pay, cancel):
        with pytest.raises(IllegalMove):
            await act(database, order)
    assert await stored(database, order) == refunded
    assert (await announced(database))[-1][1]["reason"] == "asked"
    assert len(await announced(database)) == 3


async def test_a_paid_order_is_not_cancelled(database, quote):
    order = await placed(database, quote)
    paid = await pay(database, order)

    with pytest.raises(IllegalMove):
        await cancel(database, order)

    assert await stored(database, order) == paid
    assert len(await moves(database, order)) == 2


async def test_an_order_paid_at_the_door_is_confirmed_then_paid(database, quote):
    order = await placed(database, quote)
    await database.unit_of_work(lambda tx: orders.confirm(tx, order.id))
    await pay(database, order)

    assert [move[:3] for move in await moves(database, order)] == [
        (1, Status.PENDING, "place"),
        (2, Status.CONFIRMED, "confirm"),
        (3, Status.PAID, "pay"),
    ]
    names, _ = zip(*await announced(database), strict=True)
    assert names == ("order.placed", "order.confirmed", "order.paid")


async def test_a_save_from_an_old_version_is_contended(database, quote):
    order = await placed(database, quote)

    with pytest.raises(Contended):
        await database.unit_of_work(lambda tx: store.save_status(tx, order))


async def test_the_console_counts_orders_pieces_and_money_by_status(database, quote, clock):
    first = await placed(database, quote)
    await pay(database, first)
    clock.advance(MINUTE)
    second = await placed(database, quote, key="2", reference="2")
    third = await placed(database, quote, key="3", reference="3")
    await placed(database, quote, key="4", reference="4", session_id="elsewhere")
    await pay(database, second)
    await cancel(database, third)

    async def look(tx):
        return (
            await orders.session_counts(tx, "session-1"),
            await orders.paid_per_minute(tx, "session-1", 0),
            [order.id for order in await orders.orders_of_session(tx, "session-1", 2)],
            len(await orders.orders_of(tx, "fan-1")),
        )

    assert await database.read(look) == (
        {
            "pending": Tally(0, 0, {}),
            "confirmed": Tally(0, 0, {}),
            "paid": Tally(2, 4, {"EUR": 10_980}),
            "cancelled": Tally(1, 2, {"EUR": 5_490}),
            "refunded": Tally(0, 0, {}),
        },
        [(clock.now() - MINUTE, 1), (clock.now(), 1)],
        [third.id, second.id],
        4,
    )


ATTACKS = {
    "history changed": update(ORDER_HISTORY).values(reason="other"),
    "history deleted": delete(ORDER_HISTORY),
    "order deleted": delete(ORDERS),
    "total changed": update(ORDERS).values(total_minor=1),
    "items changed": update(ORDERS).values(items="[]"),
    "code changed": update(ORDERS).values(code="AAAAAA"),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_sql_cannot_change_what_was_sold_or_what_happened(database, quote, attack):
    order = await placed(database, quote)

    with pytest.raises(
        (sqlite3.Error, asyncpg.PostgresError), match=r"frozen|append-only|kept|permission denied"
    ):
        await database.unit_of_work(lambda tx: tx.run(attack))

    assert await stored(database, order) == order
    assert await moves(database, order) == [(1, Status.PENDING, "place", "")]


async def test_sql_cannot_empty_the_history(database, quote):
    order = await placed(database, quote)
    attack = {
        "sqlite": "REPLACE INTO order_history SELECT order_id, version, status, 'other', reason, "
        "at FROM order_history",
        "postgresql": "TRUNCATE orders.order_history, orders.orders",
    }[database.dialect]

    with pytest.raises(
        (sqlite3.Error, asyncpg.PostgresError), match=r"frozen|append-only|permission denied"
    ):
        await database.unit_of_work(lambda tx: tx.run(text(attack)))

    assert await moves(database, order) == [(1, Status.PENDING, "place", "")]
