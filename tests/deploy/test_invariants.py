"""Each invariant finds what it is for: broken rows are written past every service and guard."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy import insert

from commerce.kernel.clock import DAY, HOUR, MINUTE
from commerce.ledger.jobs import seal
from deploy import checkup, invariants
from tests.conftest import NOON
from tests.deploy.rows import (
    CLEARING,
    JUST_NOW,
    LONG_AGO,
    OWED,
    PAID,
    STORED_PATH,
    Rows,
    area,
    bought_before,
    brand,
    budget,
    capture,
    category,
    counted,
    decided,
    dispute,
    disputed,
    event,
    flash,
    flash_claim,
    flash_fan,
    given_back,
    hold,
    limit,
    listing,
    lost,
    message,
    moved,
    offered,
    on_sale,
    order,
    paid_but,
    part,
    payment,
    payout,
    picture,
    product,
    received,
    refund,
    reversal,
    saga,
    sale,
    sent_back,
    sent_on,
    sheet,
    sheet_item,
    shelf,
    sold,
    stock,
    transfer,
    turn,
    unpaid,
    use,
    variant,
    won,
    write,
    zone,
)

pytestmark = pytest.mark.usefixtures("clock")

PART = {"refund_minor": 100, "status": "partly_refunded"}
SUMS = "clearing_is_what_payments_say"  # which also sees what a single row gets wrong
CASH = {"provider": "sandbox", "status": "authorised", "authorised_minor": 500}

BROKEN: list[tuple[str, Rows]] = [
    ("offer_is_as_decided", [offered()]),
    ("offer_is_as_decided", [offered(), decided(cell="lapsed")]),
    ("demand_is_what_happened", [counted()]),
    ("demand_is_what_happened", [counted(1, 1), offered(learned="open"), decided()]),
    ("trials_cost_what_was_decided", [budget(6), decided()]),
    ("loyalty_counts_what_was_paid", [bought_before()]),
    ("loyalty_counts_what_was_paid", [bought_before(), order(status="cancelled")]),
    ("on_sale_is_complete", [product(), variant()]),
    ("on_sale_is_complete", [*shelf(), product()]),
    ("on_sale_is_complete", [*shelf(), product(), variant(deleted_at=1)]),
    ("on_sale_is_complete", [*shelf(), product(), variant(price_minor=0)]),
    ("on_sale_is_complete", on_sale(status="unlisted", pictures="[]")),
    ("on_sale_is_complete", on_sale(title="")),
    ("product_is_sorted", on_sale(category_id="c")),
    ("product_is_sorted", [*on_sale(brand_id="b"), brand(deleted_at=1)]),
    ("category_has_its_parent", [category(parent_id="none")]),
    ("share_is_within_the_suppliers", [*on_sale(share_max_bp=99), listing(status="paused")]),
    ("picture_of_product_is_stored", [*on_sale(pictures=f'["/a.svg", "{STORED_PATH}"]')]),
    ("picture_of_product_is_stored",
     [*on_sale(pictures=f'["{STORED_PATH}"]'), picture(status="removing")]),
    ("picture_of_variant_is_stored",
     [*shelf(), product(), variant(image=STORED_PATH), picture(digest="cd" * 32)]),
    ("picture_of_listing_is_stored",
     [*on_sale(share_max_bp=100), listing(image=STORED_PATH), picture(status="storing")]),
    ("import_counts_are_items", [sheet()]),
    ("import_counts_are_items", [sheet(applied=0, refused=1), sheet_item()]),
    ("import_counts_are_items", [sheet(wrong=1), sheet_item()]),
    ("stock_held_is_holds", shelf(held=2)),
    ("stock_held_is_holds", [*shelf(), hold()]),
    ("stock_held_is_holds", [*shelf(), hold(status="claiming"), saga(data='{"hold_id":"h"}')]),
    ("stock_held_is_holds", [*shelf(held=3), hold()]),
    ("stock_held_is_holds", [*shelf(held=2), hold(status="expired")]),
    ("stock_held_is_holds", [*shelf(held=2), stock(warehouse="other", on_hand=0),
                             hold(warehouse="other")]),
    ("stock_sold_is_claims", [*shelf(sold=2), moved("sold", 2)]),
    ("stock_sold_is_claims", [*shelf(), hold(status="claimed")]),
    ("stock_sold_is_claims", [*shelf(sold=2), moved("sold", 2), hold(status="returned")]),
    ("stock_on_hand_is_movements", [stock()]),
    ("stock_on_hand_is_movements", [*shelf(), moved("adjusted", -1)]),
    ("stock_on_hand_is_movements", [*shelf(), moved("counted", 1)]),
    ("stock_on_hand_is_movements", [stock(), moved(warehouse="other")]),
    ("stock_sold_is_movements", [*shelf(), moved("sold", 2)]),
    ("stock_sold_is_movements", [*shelf(sold=2), hold(status="claimed")]),
    ("stock_sold_is_movements", [*shelf(), moved("returned", 2)]),
    ("stock_on_hand_is_movements what_left_arrived", [*shelf(), moved("moved_out", 2)]),
    ("stock_held_is_holds", [*shelf(held=1), stock(warehouse="east", on_hand=2, held=2),
                             moved(quantity=2, warehouse="east"),
                             hold(warehouse=""), part(), part("east")]),
    ("stock_held_is_holds hold_is_its_parts", [*shelf(held=2), hold(warehouse="")]),
    ("hold_is_its_parts", [*shelf(held=1), hold(warehouse=""), part()]),
    ("hold_is_its_parts", [*shelf(), hold(warehouse="", status="expired"), part()]),
    ("part_has_a_shelf", [*shelf(held=2), hold(), part()]),
    ("part_has_a_shelf", [*shelf(held=1), hold(warehouse=""), part(), part("east")]),
    ("what_left_arrived", [stock(on_hand=7), moved(quantity=9), moved("moved_out", 2)]),
    ("what_left_arrived", [stock(on_hand=11), moved(quantity=9), moved("moved_in", 2)]),
    ("hold_has_a_shelf", [hold()]),
    ("hold_has_a_shelf", [*shelf(), hold(warehouse="other")]),
    ("claiming_hold_has_a_checkout", [*shelf(held=2), hold(status="claiming")]),
    ("claiming_hold_has_a_checkout", [*shelf(held=2), hold(status="claiming"),
                                      saga(status="reverted", data='{"hold_id":"h"}')]),
    ("claiming_hold_has_a_checkout", [*shelf(held=2), hold(id="x", status="claiming"),
                                      saga(data='{"hold_id":"h"}')]),
    ("turn_is_held", [turn()]),
    ("turn_is_held", [*shelf(held=2), hold(), turn(held=1)]),
    ("turn_is_held", [*shelf(held=2), hold(owner="x"), turn(status="taken")]),
    ("turn_is_held", [*shelf(held=2), hold(sku="shirt"), turn(hold_id="x")]),
    ("flash_counts_claims", [*shelf(held=2), hold(), flash(taken=3), flash_fan(), flash_claim()]),
    ("flash_counts_claims", [*shelf(held=2), hold(), flash(sold=2), flash_fan(), flash_claim()]),
    ("flash_counts_claims", [*shelf(held=2), hold(), flash(late=1), flash_fan(), flash_claim()]),
    ("flash_counts_claims", [*shelf(), hold(status="expired"), flash(), flash_fan(pieces=0),
                             flash_claim(status="returned")]),
    ("flash_fan_counts_claims", [*shelf(held=2), hold(), flash(), flash_fan(pieces=1),
                                 flash_claim()]),
    ("flash_fan_counts_claims flash_claim_has_a_hold",
     [*shelf(held=2), hold(), flash(), flash_fan(), flash_claim(owner="x")]),
    ("flash_claim_has_a_hold", [flash(), flash_fan(), flash_claim()]),
    ("flash_claim_has_a_hold", [*shelf(held=1), hold(quantity=1), flash(), flash_fan(),
                                flash_claim()]),
    ("promotion_limit_counts_uses", [order(), use(), limit(used=2)]),
    ("promotion_limit_counts_uses", [order(), use(), limit(key="code:MON", code="MON")]),
    ("promotion_limit_counts_uses", [order(), use(), limit(key="fan:pr:x", fan_id="x")]),
    ("promotion_limit_counts_uses", [order(status="cancelled"), use(status="released"), limit()]),
    ("paid_use_is_of_a_paid_order", [order(), use(status="confirmed"), limit()]),
    ("paid_use_is_of_a_paid_order", [order(), use(status="honoured")]),
    ("reserved_use_is_of_an_open_order", [order(status="cancelled"), use(), limit()]),
    ("use_has_an_order", [use(status="released")]),
    ("paid_order_sold_once", paid_but(sold())),
    ("paid_order_sold_once", paid_but(add=[sold()])),
    ("paid_order_sold_once", paid_but(sold(), add=[sold(quantity=1)])),
    ("paid_order_sold_once", [order(status="confirmed"), unpaid(**CASH), sale()]),
    ("unpaid_order_sold_nothing", [order(), sold()]),
    ("unpaid_order_sold_nothing", [order(status="cancelled"), sold()]),
    ("unpaid_order_sold_nothing", [order(status="cancelled"), sold(),
                                   moved("returned", 1, reference="o")]),
    ("paid_order_has_its_money", [order(status="paid"), sold(), sale()]),
    ("paid_order_has_its_money", [order(status="refunded"), sold(), sale()]),
    ("paid_order_has_its_money", [order(status="paid"), unpaid(), sold(), sale()]),
    ("paid_order_has_its_money", paid_but(add=[payment(id="p2", key="p2"), received("p2")])),
    ("paid_order_is_posted", paid_but(sale())),
    ("paid_order_is_posted", paid_but(sale(), add=[sale(499)])),
    ("paid_order_is_posted", paid_but(sale(), add=[transfer("sold:another", OWED, "sales")])),
    ("paid_order_is_posted", paid_but(sale(), add=[sale(kind="pend")])),
    ("unpaid_order_is_not_posted", [order(), sale()]),
    ("unpaid_order_is_not_posted", [order(status="cancelled"), sale(),
                                    transfer("unsold:o", "sales", OWED, 499)]),
    ("money_has_an_end", [order(status="cancelled"), payment(), received()]),
    ("money_has_an_end", [order(), payment(), received()]),
    ("money_has_an_end", [order(status="confirmed"), payment(), received(), sold(), sale()]),
    ("money_has_an_end", [payment(), received()]),
    ("money_has_an_end", [order(status="cancelled"), payment(refund_minor=499), received(),
                          refund(amount_minor=499)]),
    ("money_has_an_end", [order(status="cancelled"), payment(), received(),
                          refund(status="failed")]),
    ("payment_status_is_its_money", [order(), unpaid(status="paid")]),
    ("payment_status_is_its_money", paid_but(payment(), add=[payment(status="expired")])),
    ("captured_is_captures", paid_but(add=[capture(amount_minor=400)])),
    ("captured_is_captures", paid_but(add=[capture(status="failed")])),
    ("refunding_is_refunds", paid_but(payment(), add=[payment(**PART)])),
    ("refunding_is_refunds", paid_but(add=[refund(amount_minor=100)])),
    (f"captured_payment_is_received {SUMS}", paid_but(received())),
    ("held_money_has_an_order", [order(status="cancelled"),
                                 unpaid(**CASH, authorised_at=NOON - 2 * HOUR)]),
    (f"succeeded_refund_is_posted {SUMS}",
     paid_but(payment(), add=[payment(**PART), refund(amount_minor=100, status="succeeded")])),
    (f"failed_refund_is_not_posted {SUMS}",
     paid_but(add=[refund(amount_minor=100, status="failed"), given_back("r", 100)])),
    (f"dispute_is_posted {SUMS}", paid_but(add=[dispute()])),
    (f"won_dispute_is_posted {SUMS}", paid_but(add=[dispute(status="won"), disputed()])),
    ("lost_dispute_is_posted", paid_but(add=[dispute(status="lost"), disputed()])),
    (f"lost_dispute_is_posted {SUMS}",
     paid_but(add=[dispute(status="lost"), disputed(), won(), lost()])),
    ("reversing_is_reversals", paid_but(add=[payout(), sent_on(), reversal()])),
    ("reversing_is_reversals",
     paid_but(add=[payout(reversed_minor=100), sent_on(), reversal(status="failed")])),
    ("sent_payout_has_a_name", paid_but(add=[payout(provider_ref=None), sent_on()])),
    ("shares_are_within_their_payment",
     paid_but(add=[payout(), payout(id="po2", key="po2", provider_ref="tr2", amount_minor=1),
                   sent_on(), sent_on("po2", 1)])),
    ("payout_is_posted", paid_but(add=[payout()])),
    ("payout_is_posted", paid_but(add=[payout(), sent_on("po", 499)])),
    ("payout_is_posted", paid_but(add=[payout(status="failed"), sent_on()])),
    ("returned_share_is_posted",
     paid_but(add=[payout(reversed_minor=100, status="partly_reversed"), sent_on(),
                   reversal(status="succeeded"), sent_back("b", 99)])),
    (f"received_money_has_its_payment {SUMS}", [received("x")]),
    (f"returned_money_has_its_refund {SUMS}", [given_back("x")]),
    ("pending_refund_waits",
     paid_but(add=[refund(amount_minor=100, status="failed"),
                   given_back("r", 100, kind="pend")])),
    ("nothing_pends_for_ever",
     [transfer("other:1", OWED, "sales", kind="pend", at=NOON - 31 * DAY)]),
    (SUMS, [transfer("other:1", CLEARING, OWED, reason="payment")]),
    (SUMS, [transfer("other:1", OWED, CLEARING, 1, reason="refund")]),
    ("nothing_parked", [saga(status="parked")]),
    ("no_event_parked", [event(status="parked")]),
    ("no_message_parked", [message(status="parked")]),
    ("nothing_stuck", [saga(next_at=LONG_AGO)]),
    ("nothing_stuck", [saga(status="compensating", next_at=LONG_AGO)]),
    ("no_event_stuck", [event(occurred_at=LONG_AGO)]),
    ("no_event_stuck", [event(occurred_at=LONG_AGO, next_at=LONG_AGO)]),
    ("zone_has_an_area", [zone()]),
    ("area_has_its_zone", [area()]),
    ("area_has_its_zone", [zone(), area(), area(country="FR", supplier_id="x")]),
    ("area_has_its_zone", [zone(origin="FR"), area(origin="FR"), area()]),
]  # fmt: skip

UNDER_WAY = event(name="payment.refunded", aggregate_id="p")

RIGHT: dict[str, Rows] = {
    "nothing at all": [],
    "a listed product": [
        *on_sale(category_id="c", brand_id="b", share_max_bp=100), category(), brand(), listing(),
        category(id="d", parent_id="c"),
    ],
    "a product with its own pictures, and a sheet that was saved": [
        *shelf(), product(pictures=f'["/a.svg", "{STORED_PATH}"]'), variant(image=STORED_PATH),
        picture(), sheet(wrong=1), sheet_item(), sheet_item(seq=2, status="wrong"),
    ],
    "a draft, and a removed listing": [product(status="draft"), listing(status="removed")],
    "held pieces": [*shelf(held=2), hold()],
    "pieces whose money is being taken": [
        *shelf(held=2), hold(status="claiming"), saga(data='{"hold_id":"h"}'),
    ],
    "sold pieces": [*shelf(sold=2), hold(status="claimed"), moved("sold", 2)],
    "sold pieces that came back": [
        *shelf(), hold(status="returned"), moved("sold", 2), moved("returned", 2),
    ],
    "pieces at a flash price": [
        *shelf(held=2), hold(), flash(), flash_fan(), flash_claim(),
    ],
    "counted pieces": [stock(on_hand=7), moved(), moved("adjusted", -3), moved("counted", 1)],
    "pieces in two places": [
        *shelf(held=2), stock(warehouse="other", on_hand=1), hold(),
        moved(warehouse="other", quantity=1),
    ],
    "pieces held in two places": [
        *shelf(held=1), stock(warehouse="east", on_hand=2, held=1),
        moved(quantity=2, warehouse="east"), hold(warehouse=""), part(), part("east"),
    ],
    "pieces that moved to another place": [
        stock(on_hand=7), stock(warehouse="east", on_hand=2), moved(), moved("moved_out", 2),
        moved("moved_in", 2, warehouse="east"),
    ],
    "a paid order": PAID,
    "a paid order from two places": paid_but(
        sold(), add=[sold(quantity=1), sold(quantity=1, warehouse="east")]
    ),
    "a captured order": paid_but(add=[capture(), capture(id="c2", key="c2", status="failed")]),
    "an order on its way to be paid for": [
        order(status="confirmed"), unpaid(**CASH), sold(),
        transfer("sold:o", "receivable:sandbox", "sales"),
    ],
    "an order refused at the door": [
        order(status="cancelled"), unpaid(status="voided"), sold(),
        moved("returned", 2, reference="o"), sale(), transfer("unsold:o", "sales", OWED),
    ],
    "an order given back": [
        order(status="refunded"), payment(refund_minor=500, status="refunded"), received(),
        refund(status="succeeded"), given_back(), sold(), sale(),
    ],
    "a refund that was pending": paid_but(
        payment(), add=[payment(**PART), refund(amount_minor=100, status="succeeded"),
                        given_back("r", 100, kind="pend"), given_back("r", 100, kind="settle")],
    ),
    "a refund that is pending": paid_but(
        payment(), add=[payment(**PART | {"status": "refunding"}),
                        refund(amount_minor=100, status="pending"),
                        given_back("r", 100, kind="pend")],
    ),
    "a refund that was never done": paid_but(
        add=[refund(amount_minor=100, status="failed"), given_back("r", 100, kind="pend"),
             given_back("r", 100, kind="void")],
    ),
    "a refund that came back": paid_but(
        add=[refund(amount_minor=100, status="failed"), given_back("r", 100),
             transfer("correction:refunded:r", CLEARING, "refunds", 100,
                      reason="refund returned")],
    ),
    "a refund whose news is under way": paid_but(
        payment(), add=[payment(**PART), refund(amount_minor=100, status="succeeded"), UNDER_WAY,
                        given_back("r", 100, kind="pend")],
    ),
    "a share that was sent on and partly came back": paid_but(
        add=[payout(reversed_minor=100, status="partly_reversed"), reversal(status="succeeded"),
             reversal(id="b2", key="b2", status="failed"),
             payout(id="po2", key="po2", provider_ref="tr2", amount_minor=100),
             sent_on(), sent_back(), sent_on("po2", 100)],
    ),
    "shares that were not sent on": paid_but(
        add=[payout(id=n, key=n, provider_ref=None, status=s) for n, s in
             (("po", "asked"), ("po2", "failed"))],
    ),
    "a dispute": paid_but(
        add=[dispute(), disputed(),
             transfer("disputed:d", "dispute_fees:sandbox", CLEARING, 15, n=2, reason="dispute")],
    ),
    "a dispute that was won": paid_but(add=[dispute(status="won"), disputed(), won()]),
    "a dispute that was lost": paid_but(add=[dispute(status="lost"), disputed(), lost()]),
    "a dispute lost after it was won": paid_but(
        add=[dispute(status="lost"), disputed(), won(), lost(),
             transfer("correction:dispute_won:d", "disputes:sandbox", CLEARING,
                      reason="dispute lost after all")],
    ),
    "a dispute whose news is under way": paid_but(add=[dispute(), UNDER_WAY]),
    "a share whose news is under way": paid_but(
        add=[payout(), event(name="payout.sent", aggregate_id="po")]
    ),
    "fees, payouts and corrections by hand": paid_but(
        add=[transfer("fee:1", "fees:sandbox", CLEARING, 5, reason="fee"),
             transfer("paid_out:1", "bank", CLEARING, 400, reason="payout"),
             transfer("correction:1", CLEARING, "sales", 7, reason="a slip")],
    ),
    "an open order": [order(), unpaid()],
    "money set aside a moment ago": [
        order(status="cancelled"), unpaid(**CASH, authorised_at=LONG_AGO),
    ],
    "money that just came": [order(status="cancelled"), payment(paid_at=JUST_NOW)],
    "money on its way back": [
        order(status="cancelled"), payment(refund_minor=500), received(), refund(),
    ],
    "money that goes back in two parts": [
        order(status="cancelled"), payment(refund_minor=500), received(),
        refund(amount_minor=200), refund(id="r2", key="r2", amount_minor=300),
    ],
    "a saga that waits for its time": [saga()],
    "a saga that ended long ago": [saga(status="completed", next_at=LONG_AGO)],
    "an offer that was counted": [decided(), offered(learned="open"), counted(), budget()],
    "an order that counts for its fan": paid_but(add=[bought_before()]),
    "an order given back, of which the news is under way": [
        order(status="cancelled"), bought_before(),
        event(name="order.refunded", aggregate_id="o"),
    ],
    "an order that counts no more": [bought_before(taken_back_at=1)],
    "a zone": [zone(), area(), area(postcode_prefix="80")],
    "an event just written": [event()],
    "an event delivered long ago": [event(status="sent", occurred_at=LONG_AGO)],
    "an event that is tried again": [event(occurred_at=LONG_AGO, next_at=NOON + MINUTE)],
    "a message that waits": [message()],
}  # fmt: skip


class Undone(Exception):
    """Carries what was found out of a transaction that is not to stay."""


async def found_in(database, rows, ask=invariants.violations):
    """What is found where the rows are all there is; nothing of it stays."""

    async def work(tx):
        for table, row in rows:
            await tx.run(insert(table), **row)
        raise Undone(await ask(tx))

    with pytest.raises(Undone) as undone:
        await database.unit_of_work(work)
    return undone.value.args[0]


async def test_what_does_not_hold_is_found_and_nothing_else(database):
    for names, rows in BROKEN:
        found = await found_in(database, rows)

        assert {violation.invariant for violation in found} == set(names.split()), rows
        assert all(violation.facts and violation.subject for violation in found)


async def test_what_holds_is_left_alone(database):
    for name, rows in RIGHT.items():
        assert await found_in(database, rows) == [], name


def test_every_invariant_is_tried():
    tried = {name for names, _ in BROKEN for name in names.split()}

    assert tried == {one.name for one in invariants.INVARIANTS}


async def test_asked_of_some_keys_it_tells_of_those(database):
    for invariant in invariants.INVARIANTS:
        if invariant.key is None:
            continue
        rows = next(rows for names, rows in BROKEN if invariant.name in names.split())

        async def ask(tx, invariant=invariant):
            (violation, *_) = await invariants.asked(tx, invariant)
            both = ["another", violation.subject]
            assert await invariants.asked(tx, invariant, both) == [violation]
            return await invariants.asked(tx, invariant, ["another"])

        assert await found_in(database, rows, ask) == [], invariant.name


async def test_pieces_held_long_after_their_time_are_a_chore_left_undone(database):
    rows = [*shelf(held=4), hold(expires_at=LONG_AGO), hold(id="j", key="j", expires_at=JUST_NOW)]

    assert await found_in(database, rows) == []
    assert await found_in(database, rows, chores) == [("no_hold_overdue", "h")]


async def test_a_turn_nobody_ended_is_a_chore_left_undone(database):
    rows = [*shelf(), hold(status="expired"), turn(expires_at=LONG_AGO)]

    assert await found_in(database, rows) == []
    assert await found_in(database, rows, chores) == [("no_turn_overdue", "e")]


async def test_a_flash_price_whose_hold_went_long_ago_is_a_chore_left_undone(database):
    gone = [*shelf(), hold(status="expired", changed_at=LONG_AGO)]
    rows = [*gone, flash(), flash_fan(), flash_claim()]

    assert await found_in(database, rows) == []
    assert await found_in(database, rows, chores) == [("no_flash_claim_overdue", "h")]


async def test_an_offer_long_overdue_is_found_in_a_till_that_runs(database):
    rows = [decided(), offered(expires_at=LONG_AGO)]

    assert await found_in(database, rows, chores) == [("no_offer_overdue", "w")]
    assert await found_in(database, [decided(), offered(expires_at=JUST_NOW)], chores) == []


async def test_a_sheet_nobody_works_off_is_a_chore_left_undone(database):
    rows = [sheet(status="applying", applied=0, lease_until=LONG_AGO)]
    rows += [sheet(id="m", key="m", status="waiting", applied=0, lease_until=JUST_NOW)]

    assert await found_in(database, rows) == []
    assert await found_in(database, rows, chores) == [("no_import_stuck", "n")]


async def test_a_transfer_without_its_seal_is_a_chore_left_undone(database):
    rows = [order(), sale(at=LONG_AGO, n=1), sale(at=JUST_NOW, n=2)]

    assert await found_in(database, rows, chores) == [("every_transfer_is_sealed", "sold:o/1")]


async def chores(tx):
    found = [one for chore in invariants.CHORES for one in await invariants.asked(tx, chore)]
    return [(one.invariant, one.subject) for one in found]


async def test_all_violations_are_told_at_once(database):
    rows = [*shelf(held=2), saga(status="parked"), event(status="parked")]
    found = await found_in(database, rows)

    names = [violation.invariant for violation in found]
    assert names == ["stock_held_is_holds", "nothing_parked", "no_event_parked"]


async def test_the_doctor_says_what_is_wrong_in_words(database, database_url):
    await write(database, shelf(held=2))
    said: list[str] = []

    assert await checkup.report(database_url, said.append) == 1
    assert said == [
        "stock_held_is_holds: the stock row counts other pieces as held than there are holds"
        " (sku=shirt, warehouse=main, held=2)",
        "The ledger is as it was sealed.",
    ]


async def test_the_doctor_finds_nothing_wrong(database, database_url):
    said: list[str] = []

    assert await checkup.report(database_url, said.append) == 0
    assert said == [
        f"All {len(invariants.INVARIANTS)} invariants hold.",
        "The ledger is as it was sealed.",
    ]


async def test_the_doctor_sees_a_transfer_that_was_changed_after_it_was_sealed(
    database, database_url
):
    await write(database, PAID)
    await seal(database)
    await tampered_with(database_url)
    said: list[str] = []

    assert await checkup.report(database_url, said.append) == 1
    assert [line for line in said if line.startswith("ledger: ") and "sold:o/1" in line]


async def tampered_with(database_url):
    """As whoever owns the database could: the guard is taken away first."""
    change = "UPDATE {} SET reason = 'salf' WHERE id = 'sold:o/1'"
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        connection.execute("DROP TRIGGER transfers_no_update")
        connection.execute(change.format("transfers"))
        connection.commit()
        connection.close()
        return
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE ledger.transfers DISABLE TRIGGER USER")
    await owner.execute(change.format("ledger.transfers"))
    await owner.close()
