"""Provider events in any order and any number end in the same place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations

import pytest

from commerce import payments
from commerce.kernel.clock import FakeClock
from commerce.kernel.database import Database
from commerce.payments import EventKind, Outcome, RefundStatus, Status
from tests.payments import factories
from tests.payments.factories import announced, announcements, news_of, record, refund_news

pytestmark = pytest.mark.usefixtures("clock")

BEFORE_MONEY = (EventKind.DECLINED, EventKind.EXPIRED, EventKind.FAILED, EventKind.PAID)


async def test_every_order_of_events_with_money_in_it_ends_paid(database: Database) -> None:
    for order in permutations(BEFORE_MONEY):
        payment = await factories.opened(database)
        for times, kind in enumerate(order, start=1):
            for _ in range(times):
                await record(database, news_of(payment, kind))

        after = await factories.get(database, payment)
        assert after.status is Status.PAID
        assert (await announced(database, payment)).count("payment.succeeded") == 1


async def test_every_order_without_money_ends_failed(database: Database) -> None:
    for order in permutations(BEFORE_MONEY[:3]):
        payment = await factories.opened(database)
        for kind in order:
            await record(database, news_of(payment, kind))

        assert (await factories.get(database, payment)).status is Status.FAILED


async def test_of_fifty_equal_webhooks_at_once_one_counts(database: Database) -> None:
    payment = await factories.opened(database)
    event = news_of(payment, EventKind.PAID)

    fresh = await asyncio.gather(*(record(database, event) for _ in range(50)))

    assert sum(fresh) == 1
    assert await announced(database, payment) == ["payment.succeeded"]


async def test_different_events_of_one_payment_at_once_all_count(database: Database) -> None:
    payment = await factories.opened(database)
    kinds = [EventKind.PAID, EventKind.EXPIRED, EventKind.DECLINED] * 5
    events = [news_of(payment, kind, event_id=f"{kind}-{n}") for n, kind in enumerate(kinds)]

    await asyncio.gather(*(record(database, event) for event in events))

    assert (await factories.get(database, payment)).status is Status.PAID
    assert (await announced(database, payment)).count("payment.succeeded") == 1


@pytest.mark.parametrize(
    ("_case", "changes"),
    [
        ("a unit less", {"amount_minor": 4_999}),
        ("a unit more", {"amount_minor": 5_001}),
        ("dollars", {"currency": "USD"}),
    ],
)
async def test_other_money_never_pays(
    database: Database, _case: str, changes: dict[str, object]
) -> None:
    payment = await factories.opened(database)

    await record(database, news_of(payment, EventKind.PAID, **changes))

    assert await factories.get(database, payment) == payment
    assert await announced(database, payment) == ["payment.mismatched"]
    (event,) = await database.read(lambda tx: payments.events_with(tx, Outcome.MISMATCHED))
    assert event.payment_key == payment.key
    (kept,) = await database.read(lambda tx: payments.kept_events(tx, Outcome.MISMATCHED))
    assert (kept.event, kept.note, kept.payment_id) == (event, "wrong_money", payment.id)
    assert (kept.asked_minor, kept.asked_currency) == (5_000, "EUR")


async def test_an_event_of_another_provider_does_not_touch_the_payment(
    database: Database,
) -> None:
    payment = await factories.opened(database)

    await record(database, news_of(payment, EventKind.PAID), provider="stripe")

    assert await factories.get(database, payment) == payment


async def test_an_event_that_comes_before_its_payment_is_kept_and_applied(
    database: Database,
) -> None:
    ghost = factories.a_payment(key="key-of-tomorrow")
    assert await record(database, news_of(ghost, EventKind.PAID))
    (waiting,) = await database.read(lambda tx: payments.kept_events(tx, Outcome.WAITING))
    assert (waiting.event.payment_key, waiting.payment_id) == ("key-of-tomorrow", None)

    payment = await factories.created(database, key="key-of-tomorrow")

    assert payment.status is Status.PAID
    assert await announced(database, payment) == ["payment.succeeded"]
    assert await database.read(lambda tx: payments.events_with(tx, Outcome.WAITING)) == []


async def test_money_before_the_link_is_recorded_counts_and_the_link_is_kept(
    database: Database,
) -> None:
    payment = await factories.created(database)
    await record(database, news_of(payment, EventKind.PAID))

    ref = f"ref:{payment.key}"
    after = await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, ref, "https://pay.example/1")
    )

    assert (after.status, after.pay_url) == (Status.PAID, "https://pay.example/1")


async def test_money_after_the_end_is_announced_as_late(
    database: Database, clock: FakeClock
) -> None:
    payment = await factories.opened(database)
    await database.unit_of_work(lambda tx: payments.expired(tx, payment.id))
    clock.advance(7 * 86_400_000_000)

    await record(database, news_of(payment, EventKind.PAID))

    news = await announcements(database, payment)
    assert [name for name, _ in news] == ["payment.expired", "payment.succeeded"]
    assert news[1][1]["late"] is True


async def test_a_declined_fan_may_try_again(database: Database) -> None:
    payment = await factories.opened(database)
    await record(database, news_of(payment, EventKind.DECLINED, reason="no_funds"))
    await record(database, news_of(payment, EventKind.DECLINED, event_id="2", reason="stolen"))
    await record(database, news_of(payment, EventKind.PAID))

    attempts = await database.read(lambda tx: payments.attempts_of(tx, payment.id))
    assert sorted((a["result"], a["reason"]) for a in attempts) == [
        ("declined", "no_funds"),
        ("declined", "stolen"),
        ("paid", ""),
    ]
    assert await announced(database, payment) == [
        "payment.declined",
        "payment.declined",
        "payment.succeeded",
    ]


@pytest.mark.parametrize(
    "changes", [{"currency": "USD"}, {"amount_minor": 0}, {"charge_ref": "another charge"}]
)
async def test_a_refund_of_other_money_is_shown_and_not_recorded(
    database: Database, changes: dict[str, object]
) -> None:
    payment = await factories.paid(database)
    back = refund_news(payment, RefundStatus.SUCCEEDED, ref="re-1", amount_minor=1_000)

    await record(database, replace(back, payment_key=payment.key, **changes))

    assert await factories.get(database, payment) == payment
    assert await database.read(lambda tx: payments.refunds_of(tx, payment.id)) == ()
    name, said = (await announcements(database, payment))[-1]
    assert (name, said["reason"]) == ("payment.mismatched", "wrong_refund")


@pytest.mark.parametrize("field", ["amount_minor", "fee_minor"])
async def test_an_event_with_more_digits_than_money_has_is_malformed(
    database: Database, field: str
) -> None:
    payment = await factories.opened(database)

    with pytest.raises(payments.MalformedEvent):
        await record(database, news_of(payment, EventKind.PAID, **{field: 10**30}))

    assert await factories.get(database, payment) == payment
    assert await database.read(lambda tx: payments.events_with(tx, Outcome.WAITING)) == []


async def test_an_event_of_no_interest_is_acknowledged_and_not_stored(
    database: Database,
) -> None:
    payment = await factories.opened(database)

    assert not await record(database, news_of(payment, EventKind.OTHER))

    assert await factories.get(database, payment) == payment
