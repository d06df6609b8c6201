"""Each invariant finds what it is for: broken rows are written past every service and guard."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Table, insert

from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel.clock import MINUTE
from commerce.kernel.tables import INBOX, OUTBOX, SAGAS
from commerce.ledger.tables import TRANSFERS
from commerce.orders.tables import ORDERS
from commerce.payments.tables import PAYMENTS, REFUNDS
from deploy import checkup, invariants
from tests.conftest import NOON

pytestmark = pytest.mark.usefixtures("clock")
LONG_AGO = NOON - 11 * MINUTE
JUST_NOW = NOON - 9 * MINUTE

Rows = list[tuple[Table, dict[str, Any]]]


def stock(**changes):
    facts = {"sku": "shirt", "warehouse": "main", "on_hand": 9, "held": 0, "sold": 0, "version": 1}
    return STOCK, facts | changes


def hold(**changes):
    facts = {
        "id": "h", "key": "h", "sku": "shirt", "warehouse": "main", "quantity": 2, "owner": "o",
        "reference": "s", "status": "held", "expires_at": 0, "created_at": 0, "changed_at": 0,
    }  # fmt: skip
    return HOLDS, facts | changes


def sold(**changes):
    facts = {
        "sku": "shirt", "warehouse": "main", "kind": "sold", "quantity": 2, "reason": "paid",
        "reference": "o", "moved_by": "", "moved_at": 0,
    }  # fmt: skip
    return STOCK_MOVEMENTS, facts | changes


def moved(kind="received", quantity=9, **changes):
    return sold(kind=kind, quantity=quantity, reference="d", **changes)


def shelf(**changes):
    """Nine pieces, and how they came in."""
    return [stock(**changes), moved()]


def order(**changes):
    facts = {
        "id": "o", "key": "k", "code": "ACDEFG", "fan_id": "f", "conversation_id": "c",
        "session_id": "s", "leader_id": "l", "reference": "r", "quote_id": "q", "language": "es",
        "currency": "EUR", "total_minor": 500, "pieces": 2, "items": "[]", "lines": "[]",
        "address": "{}", "status": "pending", "version": 1, "placed_at": 0,
    }  # fmt: skip
    return ORDERS, facts | changes


def payment(**changes):
    facts = {
        "id": "p", "key": "p", "order_id": "o", "reference": "r", "provider": "sandbox",
        "amount_minor": 500, "currency": "EUR", "description": "d", "capture": "automatic", "status": "paid",
        "expires_at": 0, "created_at": 0, "paid_at": LONG_AGO, "captured_minor": 500,
        "check_at": 0, "version": 1,
    }  # fmt: skip
    return PAYMENTS, facts | changes


def refund(**changes):
    facts = {
        "id": "r", "key": "r", "payment_id": "p", "amount_minor": 500, "reason": "late",
        "status": "asked", "next_at": 0, "created_at": 0, "version": 1,
    }  # fmt: skip
    return REFUNDS, facts | changes


def posted(posting="sold:o", **changes):
    facts = {
        "id": f"{posting}/1", "posting_id": posting, "n": 1, "reason": "sale", "reference": "o",
        "debit": "customer_payable", "credit": "sales", "currency": "EUR", "amount_minor": 500,
        "at": 0,
    }  # fmt: skip
    return TRANSFERS, facts | changes


def saga(**changes):
    facts = {
        "id": "s", "kind": "checkout", "key": "s", "status": "waiting", "step": 1, "data": "{}",
        "next_at": NOON, "correlation_id": "", "created_at": 0, "changed_at": 0,
    }  # fmt: skip
    return SAGAS, facts | changes


def event(**changes):
    facts = {
        "id": "e", "name": "order.paid", "version": 1, "aggregate_id": "o", "payload": "{}",
        "correlation_id": "", "occurred_at": JUST_NOW, "status": "waiting",
    }  # fmt: skip
    return OUTBOX, facts | changes


def message(**changes):
    facts = {
        "account": "a", "message_id": "1", "conversation_id": "c", "body": "{}",
        "correlation_id": "", "received_at": 0, "status": "waiting",
    }  # fmt: skip
    return INBOX, facts | changes


PAID: Rows = [order(status="paid"), payment(), sold(), posted()]


def paid_but(*without: Table, add: Rows = []) -> Rows:  # noqa: B006  (never changed)
    return [row for row in PAID if row[0] not in without] + add


BROKEN: list[tuple[str, Rows]] = [
    ("stock_held_is_holds", shelf(held=2)),
    ("stock_held_is_holds", [*shelf(), hold()]),
    ("stock_held_is_holds", [*shelf(), hold(status="claiming")]),
    ("stock_held_is_holds", [*shelf(held=3), hold()]),
    ("stock_held_is_holds", [*shelf(held=2), hold(status="expired")]),
    ("stock_held_is_holds", [*shelf(held=2), hold(warehouse="other")]),
    ("stock_sold_is_claims", [*shelf(sold=2), sold()]),
    ("stock_sold_is_claims", [*shelf(), hold(status="claimed")]),
    ("stock_sold_is_claims", [*shelf(sold=2), sold(), hold(status="returned")]),
    ("stock_on_hand_is_movements", [stock()]),
    ("stock_on_hand_is_movements", [*shelf(), moved("adjusted", -1)]),
    ("stock_on_hand_is_movements", [*shelf(), moved("counted", 1)]),
    ("stock_on_hand_is_movements", [stock(), moved(warehouse="other")]),
    ("stock_sold_is_movements", [*shelf(), sold()]),
    ("stock_sold_is_movements", [*shelf(sold=2), hold(status="claimed")]),
    ("stock_sold_is_movements", [*shelf(), moved("returned", 2)]),
    ("paid_order_sold_once", paid_but(STOCK_MOVEMENTS)),
    ("paid_order_sold_once", paid_but(add=[sold()])),
    ("unpaid_order_sold_nothing", [order(), sold()]),
    ("unpaid_order_sold_nothing", [order(status="cancelled"), sold()]),
    ("paid_order_has_its_money", paid_but(PAYMENTS)),
    ("paid_order_has_its_money", paid_but(PAYMENTS, add=[payment(captured_minor=0)])),
    ("paid_order_has_its_money", paid_but(add=[payment(id="p2", key="p2")])),
    ("money_has_an_end", [order(status="cancelled"), payment()]),
    ("money_has_an_end", [order(), payment()]),
    ("money_has_an_end", [payment()]),
    ("money_has_an_end", [order(status="cancelled"), payment(), refund(amount_minor=499)]),
    ("money_has_an_end", [order(status="cancelled"), payment(), refund(status="failed")]),
    ("paid_order_is_posted", paid_but(TRANSFERS)),
    ("paid_order_is_posted", paid_but(TRANSFERS, add=[posted("sold:another")])),
    ("nothing_parked", [saga(status="parked")]),
    ("no_event_parked", [event(status="parked")]),
    ("no_message_parked", [message(status="parked")]),
    ("nothing_stuck", [saga(next_at=LONG_AGO)]),
    ("nothing_stuck", [saga(status="compensating", next_at=LONG_AGO)]),
    ("no_event_stuck", [event(occurred_at=LONG_AGO)]),
    ("no_event_stuck", [event(occurred_at=LONG_AGO, next_at=LONG_AGO)]),
]

RIGHT: dict[str, Rows] = {
    "nothing at all": [],
    "held pieces": [*shelf(held=2), hold()],
    "pieces whose money is being taken": [*shelf(held=2), hold(status="claiming")],
    "sold pieces": [*shelf(sold=2), hold(status="claimed"), sold()],
    "sold pieces that came back": [
        *shelf(), hold(status="returned"), sold(), moved("returned", 2),
    ],
    "counted pieces": [stock(on_hand=7), moved(), moved("adjusted", -3), moved("counted", 1)],
    "pieces in two places": [
        *shelf(held=2), stock(warehouse="other", on_hand=1), hold(),
        moved(warehouse="other", quantity=1),
    ],
    "a paid order": PAID,
    "an order given back": [order(status="refunded"), payment(), refund(), sold(), posted()],
    "an open order": [order(), payment(status="open", captured_minor=0, paid_at=None)],
    "money that just came": [order(status="cancelled"), payment(paid_at=JUST_NOW)],
    "money on its way back": [order(status="cancelled"), payment(), refund()],
    "money that went back": [order(status="cancelled"), payment(), refund(status="succeeded")],
    "money that goes back in two parts": [
        order(status="cancelled"), payment(),
        refund(amount_minor=200), refund(id="r2", key="r2", amount_minor=300),
    ],
    "a saga that waits for its time": [saga()],
    "a saga that ended long ago": [saga(status="completed", next_at=LONG_AGO)],
    "an event just written": [event()],
    "an event delivered long ago": [event(status="sent", occurred_at=LONG_AGO)],
    "an event that is tried again": [event(occurred_at=LONG_AGO, next_at=NOON + MINUTE)],
    "a message that waits": [message()],
}  # fmt: skip


async def seeded(database, rows):
    async def write(tx):
        for table, row in rows:
            await tx.run(insert(table), **row)

    await database.unit_of_work(write)
    return await database.read(invariants.violations)


@pytest.mark.parametrize(("name", "rows"), BROKEN)
async def test_what_does_not_hold_is_found(database, name, rows):
    found = await seeded(database, rows)

    assert {violation.invariant for violation in found} == {name}
    assert found[0].facts


@pytest.mark.parametrize("name", RIGHT)
async def test_what_holds_is_left_alone(database, name):
    assert await seeded(database, RIGHT[name]) == []


def test_every_invariant_is_tried():
    assert {name for name, _ in BROKEN} == {one.name for one in invariants.INVARIANTS}


async def test_all_violations_are_told_at_once(database):
    found = await seeded(database, [*shelf(held=2), saga(status="parked"), event(status="parked")])

    names = [violation.invariant for violation in found]
    assert names == ["stock_held_is_holds", "nothing_parked", "no_event_parked"]


async def test_the_doctor_says_what_is_wrong_in_words(database, database_url):
    await seeded(database, shelf(held=2))
    said: list[str] = []

    assert await checkup.report(database_url, said.append) == 1
    assert said == [
        "stock_held_is_holds: the stock row counts other pieces as held than there are holds"
        " (sku=shirt, warehouse=main, held=2)"
    ]


async def test_the_doctor_finds_nothing_wrong(database, database_url):
    said: list[str] = []

    assert await checkup.report(database_url, said.append) == 0
    assert said == [f"All {len(invariants.INVARIANTS)} invariants hold."]
