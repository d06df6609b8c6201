"""Rows as the till writes them, to be written past every service and guard, right or broken."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, insert

from commerce.catalog.media_tables import PICTURES
from commerce.catalog.sheets_tables import IMPORT_ITEMS, IMPORTS
from commerce.catalog.tables import BRANDS, CATEGORIES, LISTINGS, PRODUCTS, VARIANTS
from commerce.inventory.tables import HOLD_PARTS, HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Database, Tx
from commerce.kernel.tables import INBOX, OUTBOX, SAGAS
from commerce.ledger.tables import TRANSFERS
from commerce.loyalty.tables import PURCHASES
from commerce.offers.tables import BUDGETS, DECISIONS, DEMAND, OFFERS
from commerce.orders import Item
from commerce.orders.tables import ORDERS
from commerce.payments.tables import (
    CAPTURES,
    DISPUTES,
    PAYMENTS,
    PAYOUT_REVERSALS,
    PAYOUTS,
    REFUNDS,
)
from commerce.promotions.flash_tables import FLASH_CLAIMS, FLASH_FANS, FLASHES
from commerce.promotions.tables import LIMITS, USES
from commerce.shipping.tables import DELIVERY_AREAS, DELIVERY_ZONES
from live.tables import WAITLIST_ENTRIES
from tests.accounts.factories import an_address
from tests.conftest import NOON

LONG_AGO = NOON - 11 * MINUTE
JUST_NOW = NOON - 9 * MINUTE

ITEMS = jsons.dumps(
    [
        Item(
            sku="shirt",
            product_id="p",
            supplier_id="s",
            title="Shirt",
            option="M",
            image="",
            quantity=2,
            unit_price_minor=250,
        )
    ]
)
DIGEST = "ab" * 32
STORED_PATH = f"/media/pictures/{DIGEST}/700.webp"
ADDRESS = jsons.dumps(an_address().to_json())

Row = tuple[Table, dict[str, Any]]
Rows = list[Row]


def stock(**changes: Any) -> Row:
    facts = {"sku": "shirt", "warehouse": "main", "on_hand": 9, "held": 0, "sold": 0, "version": 1}
    return STOCK, facts | changes


def hold(**changes: Any) -> Row:
    facts = {
        "id": "h", "key": "h", "sku": "shirt", "warehouse": "main", "quantity": 2, "owner": "o",
        "reference": "s", "status": "held", "expires_at": NOON + MINUTE, "created_at": 0,
        "changed_at": 0,
    }  # fmt: skip
    return HOLDS, facts | changes


def part(warehouse: str = "main", quantity: int = 1) -> Row:
    return HOLD_PARTS, {"hold_id": "h", "warehouse": warehouse, "quantity": quantity}


def turn(**changes: Any) -> Row:
    facts = {
        "id": "e", "key": "e", "session_id": "s", "sku": "shirt", "owner": "o", "seq": 1,
        "quantity": 2, "hold_seconds": 60, "status": "offered", "hold_id": "h", "held": 2,
        "expires_at": NOON + MINUTE, "joined_at": 0, "changed_at": 0,
    }  # fmt: skip
    return WAITLIST_ENTRIES, facts | changes


def product(**changes: Any) -> Row:
    facts = {
        "id": "p", "supplier_id": "s", "title": "Shirt", "description": "", "currency": "EUR",
        "pictures": '["/a.webp"]', "status": "published", "version": 1, "created_at": 0,
        "updated_at": 0,
    }  # fmt: skip
    return PRODUCTS, facts | changes


def variant(**changes: Any) -> Row:
    facts = {
        "sku": "shirt", "product_id": "p", "label": "", "attributes": "{}", "price_minor": 250,
        "position": 0,
    }  # fmt: skip
    return VARIANTS, facts | changes


def on_sale(**changes: Any) -> Rows:
    """A shirt that can be bought."""
    return [*shelf(), product(**changes), variant()]


def picture(**changes: Any) -> Row:
    facts = {"digest": DIGEST, "width": 700, "height": 700, "status": "stored", "changed_at": 0}
    return PICTURES, facts | changes


def sheet(**changes: Any) -> Row:
    facts = {
        "id": "n", "key": "n", "supplier_id": "s", "brought_by": "b", "name": "", "problem": "",
        "facts": "{}", "status": "done", "lines": 1, "lines_read": 1, "lines_wrong": 0,
        "created": 0, "changed": 1, "unchanged": 0, "wrong": 0, "applied": 1, "refused": 0,
        "lease_until": 0, "fence": 2, "tries": 0, "started_at": 0, "ended_at": 1,
    }  # fmt: skip
    return IMPORTS, facts | changes


def sheet_item(**changes: Any) -> Row:
    facts = {
        "import_id": "n", "seq": 1, "line": 2, "title": "", "product_id": "p", "status": "applied",
        "product_version": 1, "wanted": "{}", "differences": "[]", "errors": "[]",
    }  # fmt: skip
    return IMPORT_ITEMS, facts | changes


def category(**changes: Any) -> Row:
    facts = {
        "id": "c", "parent_id": "", "name": "Shirts", "tax_category": "standard", "path": '["c"]',
        "version": 1, "created_at": 0, "updated_at": 0,
    }  # fmt: skip
    return CATEGORIES, facts | changes


def brand(**changes: Any) -> Row:
    facts = {"id": "b", "name": "Sol", "version": 1, "created_at": 0, "updated_at": 0}
    return BRANDS, facts | changes


def listing(**changes: Any) -> Row:
    facts = {
        "id": "l", "leader_id": "m", "product_id": "p", "title": "", "image": "", "share_bp": 100,
        "prices": '{"shirt": null}', "status": "active", "version": 1, "created_at": 0,
        "updated_at": 0,
    }  # fmt: skip
    return LISTINGS, facts | changes


def flash(**changes: Any) -> Row:
    facts = {
        "id": "f", "supplier_id": "s", "leader_id": "l", "product_id": "p", "sku": "shirt",
        "currency": "EUR", "price_minor": 200, "quantity": 5, "duration": MINUTE, "per_fan": 3,
        "status": "ended", "version": 3, "session_id": "s", "taken": 2, "sold": 0, "late": 0,
        "started_at": 1, "ends_at": 2, "ended_at": 2, "ending": "time", "created_at": 0,
    }  # fmt: skip
    return FLASHES, facts | changes


def flash_fan(**changes: Any) -> Row:
    return FLASH_FANS, {"flash_id": "f", "owner": "o", "pieces": 2, "per_fan": 3} | changes


def flash_claim(**changes: Any) -> Row:
    facts = {
        "hold_id": "h", "flash_id": "f", "owner": "o", "pieces": 2, "price_minor": 200,
        "currency": "EUR", "status": "held", "claimed_at": 0, "changed_at": 0,
    }  # fmt: skip
    return FLASH_CLAIMS, facts | changes


def sold(**changes: Any) -> Row:
    facts = {
        "sku": "shirt", "warehouse": "main", "kind": "sold", "quantity": 2, "reason": "paid",
        "reference": "o", "moved_by": "", "moved_at": 0,
    }  # fmt: skip
    return STOCK_MOVEMENTS, facts | changes


def moved(kind: str = "received", quantity: int = 9, **changes: Any) -> Row:
    return sold(kind=kind, quantity=quantity, **{"reference": "d"} | changes)


def shelf(**changes: Any) -> Rows:
    """Nine pieces, and how they came in."""
    return [stock(**changes), moved()]


def order(**changes: Any) -> Row:
    facts = {
        "id": "o", "key": "k", "code": "ACDEFG", "fan_id": "f", "conversation_id": "c",
        "session_id": "s", "leader_id": "l", "reference": "r", "quote_id": "q", "language": "es",
        "currency": "EUR", "total_minor": 500, "pieces": 2, "items": ITEMS, "lines": "[]",
        "address": ADDRESS, "status": "pending", "version": 1, "placed_at": 0,
    }  # fmt: skip
    return ORDERS, facts | changes


def payment(**changes: Any) -> Row:
    facts = {
        "id": "p", "key": "p", "order_id": "o", "reference": "r", "provider": "sandbox",
        "amount_minor": 500, "currency": "EUR", "description": "d", "capture": "automatic",
        "status": "paid", "expires_at": 0, "created_at": 0, "paid_at": LONG_AGO,
        "captured_minor": 500, "check_at": 0, "version": 1,
    }  # fmt: skip
    return PAYMENTS, facts | changes


def unpaid(**changes: Any) -> Row:
    return payment(**{"status": "open", "captured_minor": 0, "paid_at": None} | changes)


def capture(**changes: Any) -> Row:
    facts = {
        "id": "c", "key": "c", "payment_id": "p", "amount_minor": 500, "status": "succeeded",
        "reason": "", "created_at": 0, "version": 1,
    }  # fmt: skip
    return CAPTURES, facts | changes


def refund(**changes: Any) -> Row:
    facts = {
        "id": "r", "key": "r", "payment_id": "p", "amount_minor": 500, "reason": "late",
        "status": "asked", "next_at": 0, "created_at": 0, "version": 1,
    }  # fmt: skip
    return REFUNDS, facts | changes


def dispute(**changes: Any) -> Row:
    facts = {
        "id": "d", "payment_id": "p", "provider": "sandbox", "provider_ref": "dp",
        "amount_minor": 500, "currency": "EUR", "fee_minor": 15, "reason": "", "status": "opened",
        "opened_at": 0, "version": 1,
    }  # fmt: skip
    return DISPUTES, facts | changes


def payout(**changes: Any) -> Row:
    facts = {
        "id": "po", "key": "po", "provider": "sandbox", "payment_id": "p", "account": "a",
        "amount_minor": 500, "currency": "EUR", "reference": "p", "status": "succeeded",
        "failure": "", "provider_ref": "tr", "next_at": 0, "created_at": 0, "version": 1,
    }  # fmt: skip
    return PAYOUTS, facts | changes


def reversal(**changes: Any) -> Row:
    facts = {
        "id": "b", "key": "b", "payout_id": "po", "amount_minor": 100, "status": "asked",
        "failure": "", "next_at": 0, "created_at": 0, "version": 1,
    }  # fmt: skip
    return PAYOUT_REVERSALS, facts | changes


def sent_on(of: str = "po", amount_minor: int = 500) -> Row:
    posting = f"payout:{of}"
    return transfer(posting, "payouts:sandbox", CLEARING, amount_minor, reason="share sent on")


def sent_back(of: str = "b", amount_minor: int = 100) -> Row:
    posting = f"payout_back:{of}"
    return transfer(posting, CLEARING, "payouts:sandbox", amount_minor, reason="share taken back")


def transfer(posting: str, debit: str, credit: str, amount_minor: int = 500, **changes: Any) -> Row:
    n = changes.pop("n", 1)
    end = "/end" if changes.get("kind") in ("settle", "void") else ""
    facts = {
        "id": f"{posting}/{n}{end}", "posting_id": posting, "n": n, "kind": "post",
        "reason": "sale", "reference": "o", "debit": debit, "credit": credit, "currency": "EUR",
        "amount_minor": amount_minor, "at": NOON - MINUTE,
    }  # fmt: skip
    return TRANSFERS, facts | changes


CLEARING, OWED = "clearing:sandbox", "customer_payable"


def sale(amount_minor: int = 500, **changes: Any) -> Row:
    return transfer("sold:o", OWED, "sales", amount_minor, **changes)


def received(of: str = "p", amount_minor: int = 500) -> Row:
    return transfer(f"received:{of}", CLEARING, OWED, amount_minor, reason="payment")


def given_back(of: str = "r", amount_minor: int = 500, **changes: Any) -> Row:
    return transfer(
        f"refunded:{of}", "refunds", CLEARING, amount_minor, **{"reason": "refund"} | changes
    )


def disputed(n: int = 1) -> Row:
    return transfer("disputed:d", "disputes:sandbox", CLEARING, reason="dispute", n=n)


def won() -> Row:
    return transfer("dispute_won:d", CLEARING, "disputes:sandbox", reason="dispute won")


def lost() -> Row:
    return transfer("dispute_lost:d", "refunds", "disputes:sandbox", reason="dispute lost")


def use(**changes: Any) -> Row:
    facts = {
        "key": "r", "promotion_id": "pr", "code": "SUN", "fan_id": "f", "leader_id": "l",
        "channel": "web", "amount_minor": 5, "currency": "EUR", "revenue_minor": 0,
        "status": "reserved", "reserved_at": 0,
    }  # fmt: skip
    decided = {} if changes.get("status", "reserved") == "reserved" else {"decided_at": 0}
    return USES, facts | decided | changes


def limit(**changes: Any) -> Row:
    facts = {
        "key": "total:pr", "promotion_id": "pr", "code": "", "fan_id": "", "used": 1, "most": 2,
    }  # fmt: skip
    return LIMITS, facts | changes


def zone(**changes: Any) -> Row:
    facts = {
        "id": "z", "supplier_id": "s", "name": "Home", "origin": "", "rates": "[]", "version": 1,
        "changed_by": "n", "changed_at": 0,
    }  # fmt: skip
    return DELIVERY_ZONES, facts | changes


def area(**changes: Any) -> Row:
    facts = {"supplier_id": "s", "origin": "", "country": "DE", "postcode_prefix": ""}
    return DELIVERY_AREAS, facts | {"zone_id": "z"} | changes


def saga(**changes: Any) -> Row:
    facts = {
        "id": "s", "kind": "checkout", "key": "s", "status": "waiting", "step": 1, "data": "{}",
        "next_at": NOON, "correlation_id": "", "created_at": 0, "changed_at": 0,
    }  # fmt: skip
    return SAGAS, facts | changes


def event(**changes: Any) -> Row:
    facts = {
        "id": "e", "name": "order.paid", "version": 1, "aggregate_id": "o", "payload": "{}",
        "correlation_id": "", "occurred_at": JUST_NOW, "status": "waiting",
    }  # fmt: skip
    return OUTBOX, facts | changes


def message(**changes: Any) -> Row:
    facts = {
        "account": "a", "message_id": "1", "conversation_id": "c", "body": "{}",
        "correlation_id": "", "received_at": 0, "status": "waiting",
    }  # fmt: skip
    return INBOX, facts | changes


PAID: Rows = [order(status="paid"), payment(), received(), sold(), sale()]


def paid_but(*without: Row, add: Rows = []) -> Rows:  # noqa: B006  (never changed)
    return [row for row in PAID if row not in without] + add


async def write(database: Database, rows: Rows) -> None:
    async def work(tx: Tx) -> None:
        for table, row in rows:
            await tx.run(insert(table), **row)

    await database.unit_of_work(work)


def decided(**changes: Any) -> Row:
    facts = {
        "id": "w", "fan_id": "f", "product_id": "p", "supplier_id": "s", "sku": "shirt",
        "currency": "EUR", "price_minor": 500, "floor_minor": 100, "cell": "new",
        "grouped": "treated", "percent_bp": 1_000, "propensity_ppm": 9, "cost_milli": 5,
        "reason": "explores", "model_version": 1, "facts": "{}", "decided_at": 0,
    }  # fmt: skip
    return DECISIONS, facts | changes


def offered(**changes: Any) -> Row:
    facts = {
        "id": "w", "key": "k", "fan_id": "f", "product_id": "p", "currency": "EUR", "cell": "new",
        "grouped": "treated", "percent_bp": 1_000, "piece_minor": 350, "status": "open",
        "learned": "", "order_id": "", "margin_minor": 0, "decided_at": 0, "learn_at": 0,
        "expires_at": NOON,
    }  # fmt: skip
    return OFFERS, facts | changes


def counted(trials: int = 1, bought: int = 0) -> Row:
    facts = {"cell": "new", "percent_bp": 1_000, "trials": trials, "bought": bought}
    return DEMAND, facts


def budget(spent_milli: int = 5) -> Row:
    return BUDGETS, {"currency": "EUR", "allowed_milli": 9, "spent_milli": spent_milli}


def bought_before(**changes: Any) -> Row:
    facts = {
        "order_id": "o", "fan_id": "f", "currency": "EUR", "total_minor": 500, "bought_at": 0,
    }  # fmt: skip
    return PURCHASES, facts | changes
