"""A database with a history is brought to the newest schema with everything that is in it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from commerce import catalog, inventory, ledger, payments
from commerce.inventory import Movement, MovementKind, Stock, Warehouse
from commerce.kernel import outbox, parked, saga
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Database, connect
from commerce.kernel.sqlite import open_connection
from commerce.ledger import jobs as ledger_jobs
from deploy import invariants, migrations

CONTEXTS = ("catalog", "inventory", "kernel", "ledger", "payments", "suppliers")
SHIRT = {"sku": "shirt", "warehouse": "main"}
BEFORE_WAREHOUSES = "0006"
SOLD_AND_HELD = (
    "INSERT INTO {inventory}stock (sku, on_hand, held, sold) VALUES ('shirt', 9, 2, 3)",
    "INSERT INTO {inventory}holds VALUES"
    " ('h1', 'k1', 'shirt', 2, 'fan', 'session', 'held', 5, 1, 1),"
    " ('h2', 'k2', 'shirt', 3, 'fan', 'session', 'claimed', 5, 1, 2)",
    "INSERT INTO {inventory}stock_movements"
    " (sku, kind, quantity, reason, reference, moved_at) VALUES"
    " ('shirt', 'received', 9, 'delivery', '', 1), ('shirt', 'sold', 3, 'paid', 'order', 2)",
)


BEFORE_DIRECTIONS = "0011"
_SAGA = (
    "INSERT INTO {{kernel}}sagas (id, kind, key, status, step, data, next_at, correlation_id,"
    " created_at, changed_at) VALUES ('{0}', 'checkout', '{0}', '{1}', 1, '{{{{}}}}', 1, '', 1, 1)"
)
STOPPED = (
    *(_SAGA.format(f"{status}-1", status) for status in ("running", "compensating", "parked")),
    _SAGA.format("parked-2", "parked"),
    "INSERT INTO {kernel}saga_steps (saga_id, step, direction, name, status, started_at)"
    " VALUES ('parked-1', 1, 'do', 'link', 'done', 1), ('parked-2', 2, 'undo', 'x', 'done', 1)",
    "INSERT INTO {kernel}outbox (id, name, version, aggregate_id, payload, correlation_id,"
    " occurred_at, status, tries, error) VALUES"
    " ('e1', 'order.paid', 1, 'o', '{{}}', '', 1, 'parked', 5, 'bug'),"
    " ('e2', 'order.paid', 1, 'o', '{{}}', '', 1, 'waiting', 0, NULL)",
    "INSERT INTO {kernel}inbox (account, message_id, conversation_id, body, correlation_id,"
    " received_at, status) VALUES ('a', '1', 'c', '{{}}', '', 1, 'parked')",
)

BEFORE_SEALS = "0008"
POSTED = (
    "INSERT INTO {ledger}transfers (id, posting_id, n, reason, reference, debit, credit, currency,"
    " amount_minor, at) VALUES"
    " ('sold:o/1', 'sold:o', 1, 'sale', 'o', 'customer_payable', 'sales', 'EUR', 500, 2),"
    " ('sold:o/2', 'sold:o', 2, 'sale', 'o', 'customer_payable', 'sales', 'EUR', 49, 2),"
    " ('received:p/1', 'received:p', 1, 'payment', 'o', 'clearing:x', 'customer_payable', 'EUR',"
    " 549, 1)",
)

BEFORE_CAPTURES = "0009"
_PAYMENT = (
    "INSERT INTO {{payments}}payments (id, key, order_id, reference, provider, amount_minor,"
    " currency, description, status, charge_ref, expires_at, created_at, paid_at, paid_minor,"
    " refund_minor, check_at, version) VALUES ('{0}', '{0}', 'o', 'r', 'sandbox', 500, 'EUR', '',"
    " '{1}', {2}, 9, 1, {3}, {4}, {5}, 9, 3)"
)
PAID_AND_GIVEN_BACK = (
    _PAYMENT.format("open-1", "open", "NULL", "NULL", 0, 0),
    _PAYMENT.format("paid-1", "partly_refunded", "'ch-1'", 5, 500, 200),
    "INSERT INTO {payments}payment_attempts VALUES ('paid-1', 'e1', 'declined', 'no_funds', 3),"
    " ('paid-1', 'e2', 'paid', '', 5)",
    "INSERT INTO {payments}payment_events (provider, event_id, type, payment_key, payload,"
    " received_at, outcome) VALUES ('sandbox', 'e3', 'expired', 'open-1', '{{\"event_id\": \"e3\","
    ' "kind": "expired", "type": "x", "refund_status": null, "payload": {{}}}}\', 6, \'waiting\')',
    "INSERT INTO {payments}refunds (id, key, payment_id, amount_minor, reason, status,"
    " provider_ref, next_at, created_at, version)"
    " VALUES ('r1', 'r1', 'paid-1', 200, 'asked', 'succeeded', 're-1', 6, 6, 2)",
    "INSERT INTO {payments}sandbox_sessions VALUES"
    " ('s1', 'paid-1', 't1', 500, 'EUR', '', '', 'paid', 0, 'ch-1', 200, 9, 1),"
    " ('s2', 'open-1', 't2', 500, 'EUR', '', '', 'open', 1, NULL, 0, 9, 1)",
    "INSERT INTO {payments}sandbox_refunds VALUES ('r1', 're-1', 's1', 200, 6)",
)


BEFORE_PICTURES = "0014"
ON_SALE = (
    "INSERT INTO {catalog}products VALUES"
    " ('p', 's', 'Shirt', 'Soft', '/media/a.webp', 'EUR', 'published', 4, 1, 2, NULL),"
    " ('q', 's', 'Sketch', '', '', 'EUR', 'draft', 1, 1, 1, NULL)",
    "INSERT INTO {catalog}variants VALUES"
    " ('shirt-m', 'p', 'M', '{{\"size\": \"M\"}}', 2500, 0, NULL),"
    " ('shirt-l', 'p', 'L', '{{}}', 2600, 1, NULL), ('sketch', 'q', '', '{{}}', 0, 0, NULL)",
    "INSERT INTO {inventory}stock (sku, warehouse, on_hand, held, sold, version)"
    " VALUES ('shirt-l', 'north', 5, 0, 0, 2)",
    "INSERT INTO {suppliers}suppliers VALUES ('s', 'Northlight', 'PT', 'EUR', 'active', 1, 7)",
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/livetill.db"
        return
    url = request.getfixturevalue("postgresql_url")
    name = f"{url.rpartition('/')[2]}_old"
    server = await asyncpg.connect(url)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield f"{url.rpartition('/')[0]}/{name}"
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def upgraded(url: str, since: str, *statements: str) -> Database:
    """What a till of then wrote, as the till of today finds it."""
    await asyncio.to_thread(migrations.migrate, url, since)
    if url.startswith("sqlite:///"):
        old = open_connection(url.removeprefix("sqlite:///"))
        for statement in statements:
            old.execute(statement.format(**dict.fromkeys(CONTEXTS, "")))
        old.close()
    else:
        server = await asyncpg.connect(url)
        for statement in statements:
            await server.execute(statement.format(**{name: f"{name}." for name in CONTEXTS}))
        await server.close()
    await asyncio.to_thread(migrations.migrate, url)
    return await connect(url)


async def test_what_was_posted_is_sealed_from_its_first_row(empty_url):
    database = await upgraded(empty_url, BEFORE_SEALS, *POSTED)
    try:
        balances = await database.read(ledger.trial_balance)
        assert [(b.account, b.balance_minor) for b in balances] == [
            ("clearing:x", 549), ("customer_payable", 0), ("sales", -549),
        ]  # fmt: skip
        assert await database.read(lambda tx: ledger.status(tx, "sold:o")) is ledger.Status.POSTED
        assert await ledger_jobs.seal(database) == 3
        assert await database.read(ledger.trial_balance) == balances
        assert await database.read(ledger.verify) == []
    finally:
        await database.close()


async def test_stock_without_warehouses_lies_in_the_main_one_and_its_history_is_kept(empty_url):
    database = await upgraded(empty_url, BEFORE_WAREHOUSES, *SOLD_AND_HELD)
    try:
        assert await database.read(lambda tx: inventory.stock_of(tx, ["shirt"])) == {
            "shirt": [Stock(**SHIRT, on_hand=9, held=2, sold=3, version=1)]
        }
        hold = await database.read(lambda tx: inventory.hold_of(tx, "h1"))
        assert (hold.status, hold.parts, hold.expires_at) == (
            "held", (("main", 2),), 5,
        )  # fmt: skip
        assert await database.read(lambda tx: inventory.movements_of(tx, "shirt")) == [
            Movement(
                **SHIRT, kind=MovementKind.SOLD, quantity=3, reason="paid", reference="order", at=2
            ),
            Movement(
                **SHIRT, kind=MovementKind.RECEIVED, quantity=9, reason="delivery", reference="",
                at=1,
            ),
        ]  # fmt: skip
        assert await database.read(invariants.violations) == []
        await database.unit_of_work(lambda tx: inventory.claim(tx, "h1", reference="order 2"))
        assert await database.read(invariants.violations) == []
    finally:
        await database.close()


async def test_what_had_stopped_goes_on_in_its_direction_and_can_be_given_up(empty_url):
    database = await upgraded(empty_url, BEFORE_DIRECTIONS, *STOPPED)
    try:
        found = {}
        for saga_id in ("running-1", "compensating-1", "parked-1", "parked-2"):
            one = await database.read(lambda tx, i=saga_id: saga.find(tx, i))
            found[saga_id] = (str(one.status), str(one.direction))
        assert found == {
            "running-1": ("running", "do"), "compensating-1": ("compensating", "undo"),
            "parked-1": ("parked", "do"), "parked-2": ("parked", "undo"),
        }  # fmt: skip
        [event] = await database.read(parked.events)
        assert (event.id, event.error, event.outages) == ("e1", "bug", 0)
        will = Intervention(key="k", actor="a", actor_name="", reason="of before the upgrade")
        await database.unit_of_work(lambda tx: parked.drop_event(tx, "e1", will))
        assert [row["id"] for row in await database.unit_of_work(outbox.claim)] == ["e2"]
        [message] = await database.read(parked.messages)
        assert (message.conversation_id, message.error) == ("c", "")
    finally:
        await database.close()


async def test_what_was_paid_before_there_were_captures_is_captured(empty_url):
    database = await upgraded(empty_url, BEFORE_CAPTURES, *PAID_AND_GIVEN_BACK)
    try:
        paid = await database.read(lambda tx: payments.get(tx, "paid-1"))
        assert (paid.status, paid.capture) == ("partly_refunded", "automatic")
        assert (paid.authorised_minor, paid.captured_minor, paid.refund_minor) == (0, 500, 200)
        (capture,) = await database.read(lambda tx: payments.captures_of(tx, "paid-1"))
        assert (capture.amount_minor, capture.status) == (500, "succeeded")
        attempts = await database.read(lambda tx: payments.attempts_of(tx, "paid-1"))
        assert [(a["ref"], a["result"]) for a in attempts] == [("e1", "declined"), ("paid", "paid")]
        (refund,) = await database.read(lambda tx: payments.refunds_of(tx, "paid-1"))
        assert (refund.amount_minor, refund.status, refund.failure) == (200, "succeeded", "")
        page = await database.read(lambda tx: payments.sandbox_desk.look(tx, "t1"))
        assert (page.session.captured_minor, page.refunds[0].status) == (500, "succeeded")

        await database.unit_of_work(lambda tx: payments.service.apply_waiting(tx, "open-1"))
        waited = await database.read(lambda tx: payments.get(tx, "open-1"))
        assert (waited.status, waited.captured_minor) == ("expired", 0)
    finally:
        await database.close()


async def test_a_picture_becomes_the_first_of_several_and_what_is_on_sale_has_a_place(empty_url):
    database = await upgraded(empty_url, BEFORE_PICTURES, *ON_SALE)
    try:
        shirt, sketch = await database.read(lambda tx: catalog.products(tx, ["p", "q"]))
        assert (shirt.pictures, shirt.version, shirt.share_max_bp) == (("/media/a.webp",), 4, 0)
        assert [(v.sku, v.price_minor, v.price_min_minor) for v in shirt.variants] == [
            ("shirt-m", 2500, None), ("shirt-l", 2600, None),
        ]  # fmt: skip
        assert (sketch.pictures, sketch.condition, sketch.tax_category) == ((), "new", "standard")
        shelves = await database.read(
            lambda tx: inventory.stock_of(tx, ["shirt-m", "shirt-l", "sketch"])
        )
        assert {sku: [(s.warehouse, s.on_hand) for s in of] for sku, of in shelves.items()} == {
            "shirt-m": [("main", 0)], "shirt-l": [("north", 5)],
        }  # fmt: skip
        # What was only a name until then is a warehouse of who named it.
        assert await database.read(lambda tx: inventory.warehouses_of(tx, "s")) == [
            Warehouse(id="north", supplier_id="s", name="north", country="PT")
        ]
    finally:
        await database.close()
