"""Days are compared with the provider's report: once, by anybody, and what differs is kept."""

from __future__ import annotations

import asyncio

import pytest

from commerce import ledger, payments
from commerce.checkout import jobs, reconciling, reporting
from commerce.checkout.reconciliation_values import (
    ComparingNow,
    DifferenceAct,
    EmptyReport,
    NoReport,
    Owed,
    Total,
)
from commerce.checkout.reconciliation_words import explain
from commerce.kernel import alerts, audit
from commerce.kernel.audit import Intervention
from commerce.kernel.clock import DAY, HOUR, MINUTE
from commerce.kernel.machine import IllegalMove
from commerce.payments import DisputeStatus, EventKind, MalformedReport, ReportKind
from tests.checkout.reporter import Reporter
from tests.checkout.shop import EARNED, TOTAL, Shop
from tests.conftest import NOON

TODAY = NOON - 12 * HOUR
PART = 490


@pytest.fixture
async def shop(database, clock):
    shop = Shop(database, clock, Reporter())
    await shop.opens()
    return shop


async def sells(shop, fan="1", fee_minor=189):
    """A purchase that both sides have."""
    purchase = await shop.bought(fan)
    shop.provider.moved(await shop.payment(purchase), ReportKind.CHARGE, TOTAL, fee_minor=fee_minor)
    return purchase


async def gives_back(shop, purchase):
    await shop.refunds(purchase, PART)
    await shop.settles()
    payment = await shop.payment(purchase)
    shop.provider.moved(payment, ReportKind.REFUND, -PART, ref="back refund-1")


async def loses_to_a_bank(shop, purchase):
    dispute = {
        "dispute_ref": "dp_1", "dispute_status": DisputeStatus.OPENED, "fee_minor": 1_500,
        "amount_minor": TOTAL,
    }  # fmt: skip
    await shop.hears(purchase, EventKind.DISPUTE, **dispute)
    await shop.settles()
    payment = await shop.payment(purchase)
    shop.provider.moved(payment, ReportKind.DISPUTE, -TOTAL, ref="dp_1", fee_minor=1_500)


async def compared(shop, day=TODAY):
    return await reporting.compare_day(shop.database, shop.gateways, "sandbox", day)


async def found(shop, run):
    kept = await shop.database.read(lambda tx: reconciling.differences_of(tx, run.id))
    return [(str(one.difference.kind), str(one.status)) for one in kept]


async def open_ones(shop):
    kept = await shop.database.read(reconciling.open_differences)
    return [str(one.difference.kind) for one in kept]


def will(reason="asked the provider", key="form-1"):
    return Intervention(key=key, actor="staff-1", actor_name="Ada", reason=reason)


async def test_a_day_on_which_both_sides_agree_only_posts_its_fees_and_those_once(shop):
    await gives_back(shop, await sells(shop))
    await loses_to_a_bank(shop, await sells(shop, "2"))
    before = await shop.books()

    first = await compared(shop)
    shop.clock.advance(MINUTE)
    again = await compared(shop)

    assert (first.status, first.lines, first.matched, first.fees_posted) == ("done", 4, 4, 2)
    assert first.totals == {
        "EUR": Total(matched_minor=3 * TOTAL + PART, fees_minor=2 * 189 + 1_500)
    }
    assert (again.id, again.tries, again.fees_posted) == (first.id, 2, 2)
    assert await found(shop, again) == []
    assert await shop.books() == before | {
        "fees:sandbox": 2 * 189, "clearing:sandbox": before["clearing:sandbox"] - 2 * 189,
    }  # fmt: skip


async def test_what_the_provider_owes_is_explained(shop):
    await gives_back(shop, await sells(shop))
    await loses_to_a_bank(shop, await sells(shop, "2"))
    await compared(shop)

    (owed,) = await shop.database.read(lambda tx: reconciling.owed(tx, "sandbox"))

    balance = (await shop.books())["clearing:sandbox"]
    assert owed == Owed(
        provider="sandbox", currency="EUR", captured=2 * TOTAL, refunded=-PART,
        disputed=-TOTAL - 1_500, fees=-2 * 189, paid_out=0, other=0, balance=balance,
    )  # fmt: skip


async def test_a_won_dispute_and_one_lost_after_all_agree(shop):
    purchase = await sells(shop)
    await loses_to_a_bank(shop, purchase)
    payment = await shop.payment(purchase)
    story = [
        (DisputeStatus.WON, ReportKind.DISPUTE_REVERSAL, TOTAL),
        (DisputeStatus.LOST, ReportKind.DISPUTE, -TOTAL),
    ]
    for status, kind, amount in story:
        shop.clock.advance(HOUR)
        await shop.hears(
            purchase, EventKind.DISPUTE, event_id=f"dispute {status}", dispute_ref="dp_1",
            dispute_status=status, fee_minor=1_500, amount_minor=TOTAL,
        )  # fmt: skip
        await shop.settles()
        shop.provider.moved(payment, kind, amount, ref="dp_1", at=shop.clock.now())

    run = await compared(shop)

    assert await found(shop, run) == []
    assert (run.lines, run.matched) == (4, 4)


MUTATIONS = [
    ("missing", lambda p: p.lines.pop(0), ["missing_there"]),
    ("double", lambda p: p.lines.append(p.lines[0]), ["double"]),
    ("one off", lambda p: p.change(0, amount_minor=TOTAL + 1), ["amount_differs"]),
    ("other currency", lambda p: p.change(0, currency="USD"), ["currency_differs"]),
    ("late", lambda p: p.change(0, at=NOON - 26 * HOUR), ["late"]),
    (
        "unknown",
        lambda p: p.change(0, payment_key="x", charge_ref="x", ref="x"),
        ["missing_there", "unknown"],
    ),
]


@pytest.mark.parametrize(
    ("mutate", "kinds"), [pytest.param(*rest, id=name) for name, *rest in MUTATIONS]
)
async def test_a_seeded_difference_is_found_once_and_gone_when_the_report_is_right(
    shop, mutate, kinds
):
    await sells(shop)
    right = list(shop.provider.lines)
    mutate(shop.provider)
    day = min(line.at for line in [*shop.provider.lines, *right]) // DAY * DAY

    for _ in range(2):
        shop.clock.advance(MINUTE)
        run = await compared(shop, day)
    kept = await shop.database.read(lambda tx: reconciling.differences_of(tx, run.id))
    assert sorted(str(one.difference.kind) for one in kept) == kinds
    assert all(one.difference.order_code in str(explain(one.difference, "sandbox")) for one in kept)

    shop.provider.lines = right
    shop.clock.advance(MINUTE)
    run = await compared(shop)
    left = [kind for kind in kinds if kind == "unknown"]  # a line that nobody shows again
    assert await open_ones(shop) == left


async def test_money_that_only_the_provider_knows_is_found_and_gone_when_its_webhook_comes(shop):
    purchase = await shop.buys()
    await shop.settles()
    shop.provider.pay(purchase.key)
    payment = await shop.payment(purchase)
    shop.provider.moved(payment, ReportKind.CHARGE, TOTAL, at=NOON)

    run = await compared(shop)
    (kept,) = await shop.database.read(lambda tx: reconciling.differences_of(tx, run.id))
    said = explain(kept.difference, kept.provider).sentence
    assert said == (
        f"Sandbox took €54.90 for order {purchase.code} (charge of {purchase.key}) on"
        " 01 Jun 2026, 12:00 UTC; its payment here is 'open' and has no money."
    )

    await shop.is_paid(purchase)
    await shop.settles()
    shop.clock.advance(MINUTE)
    run = await compared(shop)

    assert run.open == 0
    assert await open_ones(shop) == []
    (before,) = await shop.database.read(lambda tx: _all(tx, kept.id))
    assert (before.status, before.closed_by, before.reason) == (
        "explained", "", "A later comparison finds both sides the same.",
    )  # fmt: skip


async def _all(tx, *ids):
    return [await reconciling.difference(tx, one) for one in ids]


async def test_a_line_that_comes_days_later_explains_what_was_missing(shop):
    await sells(shop)
    shop.provider.change(0, at=NOON + 3 * DAY)
    await compared(shop)
    assert await open_ones(shop) == ["missing_there"]

    shop.clock.advance(5 * DAY)
    later = await compared(shop, TODAY + 3 * DAY)

    assert await found(shop, later) == [("late", "open")]
    assert await open_ones(shop) == ["late"]


async def test_compared_by_several_at_once_one_does_it(shop):
    await sells(shop)

    runs = await asyncio.gather(*[compared(shop) for _ in range(4)])

    done = [run for run in runs if run is not None]
    assert {run.id for run in done} == {done[0].id}
    assert (await shop.books())["fees:sandbox"] == 189


async def test_who_dies_comparing_is_taken_over_when_the_lease_ends(shop):
    await sells(shop)
    run = reporting._new_run(f"day:sandbox:{TODAY // DAY}", "sandbox", "api", TODAY, TODAY + DAY)
    dead = await reporting._take(shop.database, run)

    assert await compared(shop) is None
    shop.clock.advance(reporting.LEASE)
    taken_over = await compared(shop)

    assert (taken_over.id, taken_over.status) == (dead.id, "done")


async def test_the_same_file_again_is_the_same_run_and_a_day_posts_no_fee_twice(shop):
    await sells(shop)
    shop.clock.advance(HOUR)

    async def upload():
        return await reporting.compare_file(
            shop.database, shop.gateways, "sandbox", shop.provider.file(), name="june.csv"
        )

    first, again = await upload(), await upload()
    day = await compared(shop)

    assert (first.id, first.source, first.status) == (again.id, "june.csv", "done")
    assert (first.since, first.until) == (TODAY, NOON + HOUR - 10 * MINUTE)
    assert day.id != first.id
    assert (await shop.books())["fees:sandbox"] == 189


@pytest.mark.parametrize(
    ("provider", "text", "refusal"),
    [
        ("stripe", "[]", NoReport),
        ("sandbox", "no report", MalformedReport),
        ("sandbox", "[]", EmptyReport),
    ],
)
async def test_a_file_that_says_nothing_is_refused_and_leaves_nothing(
    shop, provider, text, refusal
):
    with pytest.raises(refusal):
        await reporting.compare_file(shop.database, shop.gateways, provider, text, name="x.csv")

    assert await shop.database.read(reconciling.runs) == []


async def test_a_file_that_is_being_compared_is_not_compared_a_second_time(shop):
    await sells(shop)
    shop.clock.advance(HOUR)
    text = shop.provider.file()

    async def upload():
        return await reporting.compare_file(
            shop.database, shop.gateways, "sandbox", text, name="june.csv"
        )

    done = await asyncio.gather(upload(), upload(), return_exceptions=True)

    refused = [one for one in done if isinstance(one, ComparingNow)]
    assert len(refused) in (0, 1)  # the first may have ended before the second began
    assert (await shop.books())["fees:sandbox"] == 189


async def test_a_difference_is_closed_once_by_hand_and_stays_closed(shop):
    await sells(shop)
    shop.provider.change(0, amount_minor=TOTAL + 1)
    run = await compared(shop)
    (kept,) = await shop.database.read(reconciling.open_differences)

    async def close(act, **form):
        await shop.database.unit_of_work(
            lambda tx: reconciling.close_difference(tx, will(**form), kept.id, act)
        )

    for _ in range(2):
        await close(DifferenceAct.RESOLVE)
    with pytest.raises(IllegalMove):
        await close(DifferenceAct.EXPLAIN, key="form-2")
    with pytest.raises(audit.ReasonMissing):
        await close(DifferenceAct.EXPLAIN, key="form-3", reason=" ")
    shop.clock.advance(MINUTE)
    await compared(shop)

    assert await found(shop, run) == [("amount_differs", "resolved")]
    after = await shop.database.read(lambda tx: reconciling.difference(tx, kept.id))
    assert (after.closed_by, after.reason) == ("Ada", "asked the provider")
    (entry,) = await shop.database.read(lambda tx: audit.about(tx, f"difference:{kept.id}"))
    assert (entry.action, entry.reason) == ("reconciliation.resolve", "asked the provider")


async def test_a_payout_that_a_person_has_seen_moves_to_the_bank_once(shop):
    payment = await shop.payment(await sells(shop, fee_minor=0))
    nobody = {"payment_key": None, "charge_ref": None}
    shop.provider.moved(payment, ReportKind.PAYOUT, -5_000, ref="po_1", **nobody)
    await compared(shop)
    (kept,) = await shop.database.read(reconciling.open_differences)

    for _ in range(2):
        await shop.database.unit_of_work(lambda tx: reconciling.confirm_payout(tx, will(), kept.id))
    shop.clock.advance(MINUTE)
    run = await compared(shop)

    assert await shop.books() == {
        "bank": 5_000, "clearing:sandbox": TOTAL - 5_000, **EARNED,
    }  # fmt: skip
    assert (run.lines, run.matched) == (2, 2)
    assert await found(shop, run) == [("payout_unconfirmed", "resolved")]


async def test_only_a_payout_can_be_confirmed(shop):
    await sells(shop)
    shop.provider.change(0, currency="USD")
    await compared(shop)
    (kept,) = await shop.database.read(reconciling.open_differences)
    before = await shop.books()

    with pytest.raises(IllegalMove):
        await shop.database.unit_of_work(lambda tx: reconciling.confirm_payout(tx, will(), kept.id))

    assert await shop.books() == before
    assert await open_ones(shop) == ["currency_differs"]


async def test_a_correction_on_the_clearing_account_is_told(shop):
    purchase = await sells(shop)
    await shop.database.unit_of_work(
        lambda tx: ledger.correct(tx, f"received:{purchase.data.payment_id}", reason="mistake")
    )

    run = await compared(shop)

    assert await found(shop, run) == [("missing_there", "open")]


async def test_the_job_compares_each_day_when_the_next_one_is_over(shop):
    await sells(shop)

    async def job():
        return await jobs.reconcile_reports(shop.database, shop.gateways)

    shop.clock.advance(36 * HOUR - 1)
    assert await job() == 0
    shop.clock.advance(1)
    assert await job() == 1
    assert await job() == 0
    shop.clock.advance(3 * DAY)
    assert await job() == 3

    done = await shop.database.read(reconciling.runs)
    assert [run.since for run in done] == [TODAY + n * DAY for n in (3, 2, 1, 0)]
    assert shop.provider.asked[0] == (TODAY - DAY, TODAY + 2 * DAY)


async def test_the_job_tries_again_what_got_no_report_and_says_so_meanwhile(shop):
    await sells(shop)
    shop.provider.answers = False
    shop.clock.advance(3 * DAY)

    assert await jobs.reconcile_reports(shop.database, shop.gateways) == 0
    (alert,) = await shop.database.read(alerts.open_alerts)
    assert (alert.name, alert.subject) == ("reconciliation_failed", "sandbox")
    assert [run.status for run in await shop.database.read(reconciling.runs)] == ["failed"]

    shop.provider.answers = True
    assert await jobs.reconcile_reports(shop.database, shop.gateways) == 2
    assert await shop.database.read(alerts.open_alerts) == []


async def test_the_job_looks_again_at_days_with_open_differences_and_tells_them(shop):
    await sells(shop)
    right = list(shop.provider.lines)
    shop.provider.lines = []
    shop.clock.advance(36 * HOUR)

    assert await jobs.reconcile_reports(shop.database, shop.gateways) == 1
    (alert,) = await shop.database.read(alerts.open_alerts)
    assert (alert.name, alert.facts) == ("reconciliation_differences", {"differences": 1})
    assert await jobs.reconcile_reports(shop.database, shop.gateways) == 0

    shop.provider.lines = right
    shop.clock.advance(21 * HOUR)
    assert await jobs.reconcile_reports(shop.database, shop.gateways) == 1
    assert await open_ones(shop) == []
    assert await shop.database.read(alerts.open_alerts) == []


async def test_providers_without_reports_are_left_alone(shop):
    class Silent:
        name = "cash"

    assert not isinstance(Silent(), payments.Reporting)
    assert await jobs.reconcile_reports(shop.database, {"cash": Silent()}) == 0
