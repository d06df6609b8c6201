"""What is authorised is taken once, at most, and only on proof; what nobody takes is released."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from commerce import payments
from commerce.kernel.clock import DAY, MINUTE, FakeClock
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.payments import (
    BadAmount,
    Capture,
    CaptureDiffers,
    CaptureMode,
    CaptureNotWhole,
    CaptureRefused,
    CaptureStatus,
    CaptureTooLarge,
    EventKind,
    NotAuthorised,
    Payment,
    PaymentRefused,
    Stands,
    Status,
    jobs,
)
from tests.payments import factories
from tests.payments.factories import announced, announcements, capture, news_of, record
from tests.payments.scripted import ScriptedProvider, money_of

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def gateways(provider: ScriptedProvider) -> dict[str, ScriptedProvider]:
    return {"sandbox": provider}


async def captures(database: Database, payment: Payment) -> list[tuple[int, CaptureStatus]]:
    found = await database.read(lambda tx: payments.captures_of(tx, payment.id))
    return [(one.amount_minor, one.status) for one in found]


async def carry_out(
    database: Database, gateways: payments.Gateways, payment: Payment, asked: Capture
) -> Payment:
    """As a saga does: note the try, call, record."""
    tried = await database.unit_of_work(lambda tx: payments.try_capture(tx, asked.id))
    standing = await payments.capture_at_gateway(gateways, payment, tried)
    return await database.unit_of_work(
        lambda tx: payments.record_standing(tx, payment.id, standing)
    )


async def test_a_payment_captured_by_hand_is_authorised_then_taken(
    database: Database, gateways: dict[str, ScriptedProvider]
) -> None:
    payment = await factories.authorised(database)
    assert (payment.status, payment.authorised_minor) == (Status.AUTHORISED, 5_000)
    assert (payment.captured_minor, payment.paid_at) == (0, None)

    asked = await capture(database, payment, 5_000)
    assert (await factories.get(database, payment)).status is Status.CAPTURING
    after = await carry_out(database, gateways, payment, asked)

    assert (after.status, after.captured_minor) == (Status.PAID, 5_000)
    assert await captures(database, payment) == [(5_000, CaptureStatus.SUCCEEDED)]
    assert await announced(database, payment) == ["payment.authorised", "payment.succeeded"]
    attempts = await database.read(lambda tx: payments.attempts_of(tx, payment.id))
    assert [attempt["result"] for attempt in attempts] == ["authorised", "paid"]


async def test_of_a_partial_capture_only_so_much_is_ours_and_can_be_given_back(
    database: Database, gateways: dict[str, ScriptedProvider]
) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 3_000)

    after = await carry_out(database, gateways, payment, asked)

    assert (after.status, after.captured_minor) == (Status.PAID, 3_000)
    (_, (_, said)) = await announcements(database, payment)
    assert said["amount_minor"] == 3_000
    with pytest.raises(payments.RefundTooLarge):
        await database.unit_of_work(
            lambda tx: payments.request_refund(
                tx, key="back", payment_id=payment.id, amount_minor=3_001, reason=""
            )
        )


async def test_a_provider_that_must_be_asked_takes_all_of_it(database: Database) -> None:
    """Some authorise first even where nobody wants to wait; in part is for captures by hand."""
    payment = await factories.opened(database)
    await record(database, news_of(payment, EventKind.AUTHORISED))
    with pytest.raises(CaptureNotWhole):
        await capture(database, payment, 4_999, "part")

    await capture(database, payment, 5_000, "whole")
    await record(database, news_of(payment, EventKind.PAID))

    found = await database.read(lambda tx: payments.captures_of(tx, payment.id))
    assert [(one.key, one.status) for one in found] == [("whole", CaptureStatus.SUCCEEDED)]


async def test_what_the_provider_takes_by_itself_has_its_capture_too(database: Database) -> None:
    payment = await factories.paid(database)

    assert await captures(database, payment) == [(5_000, CaptureStatus.SUCCEEDED)]


async def test_of_fifty_equal_captures_at_once_one_comes(database: Database) -> None:
    payment = await factories.authorised(database)

    made = await asyncio.gather(*(capture(database, payment, 5_000, "one") for _ in range(50)))

    assert len({one.id for one in made}) == 1


async def test_of_different_captures_at_once_one_wins(database: Database) -> None:
    payment = await factories.authorised(database)

    answers = await asyncio.gather(
        *(capture(database, payment, 100 + n, f"capture-{n}") for n in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, Capture) for answer in answers) == 1
    assert sum(isinstance(answer, NotAuthorised) for answer in answers) == 19
    assert len(await captures(database, payment)) == 1


@pytest.mark.parametrize(
    ("amount_minor", "refusal"),
    [(0, BadAmount), (-1, BadAmount), (5_001, CaptureTooLarge), (10**15, BadAmount)],
)
async def test_only_what_is_authorised_is_captured(
    database: Database, amount_minor: int, refusal: type[Exception]
) -> None:
    payment = await factories.authorised(database)

    with pytest.raises(refusal):
        await capture(database, payment, amount_minor)

    assert await factories.get(database, payment) == payment
    assert await captures(database, payment) == []


@pytest.mark.parametrize(
    "ended", [None, EventKind.EXPIRED, EventKind.FAILED, EventKind.VOIDED, EventKind.PAID]
)
async def test_what_is_not_authorised_is_not_captured(
    database: Database, ended: EventKind | None
) -> None:
    payment = await factories.opened(database, capture=CaptureMode.MANUAL)
    if ended is not None:
        await record(database, news_of(payment, ended))

    with pytest.raises(NotAuthorised):
        await capture(database, payment, 100)


@pytest.mark.parametrize("changes", [{"amount_minor": 2_999}, {"payment": "another"}])
async def test_the_same_key_with_another_body_is_refused(
    database: Database, changes: dict[str, Any]
) -> None:
    payment = await factories.authorised(database)
    await capture(database, payment, 3_000, "capture-1")
    other = await factories.authorised(database) if "payment" in changes else payment

    with pytest.raises(CaptureDiffers):
        await capture(database, other, changes.get("amount_minor", 3_000), "capture-1")


async def test_a_capture_whose_answer_got_lost_is_asked_for_and_not_repeated(
    database: Database, gateways: dict[str, ScriptedProvider], provider: ScriptedProvider
) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 5_000)
    provider.answers_lost = 1
    with pytest.raises(Outage):
        await carry_out(database, gateways, payment, asked)

    after = await carry_out(database, gateways, payment, asked)

    assert after.status is Status.PAID
    assert list(provider.captures) == [asked.key]


async def test_a_capture_whose_asker_died_is_finished_by_the_job(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.authorised(database)
    await capture(database, payment, 4_000)
    provider.standing = money_of(payment, status=Stands.AUTHORISED)
    assert await jobs.reconcile_open(database, gateways) == 0

    clock.advance(2 * MINUTE)
    assert await jobs.reconcile_open(database, gateways) == 1

    after = await factories.get(database, payment)
    assert (after.status, after.captured_minor) == (Status.PAID, 4_000)


async def test_a_capture_refused_for_good_leaves_the_authorisation_as_it_was(
    database: Database, gateways: dict[str, ScriptedProvider], provider: ScriptedProvider
) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 5_000)
    provider.refuses = True
    with pytest.raises(CaptureRefused):
        await carry_out(database, gateways, payment, asked)

    for _ in range(2):
        await database.unit_of_work(
            lambda tx: payments.capture_was_refused(tx, asked.id, "authorisation_expired")
        )

    assert (await factories.get(database, payment)).status is Status.AUTHORISED
    assert await captures(database, payment) == [(5_000, CaptureStatus.FAILED)]
    name, said = (await announcements(database, payment))[-1]
    assert (name, said["reason"]) == ("payment.capture_failed", "authorisation_expired")
    assert (await announced(database, payment)).count("payment.capture_failed") == 1
    assert (await capture(database, payment, 2_000, "again")).amount_minor == 2_000


async def test_the_job_takes_a_refusal_over_too(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.authorised(database)
    await capture(database, payment, 5_000)
    provider.refuses = True
    clock.advance(2 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 0

    assert (await factories.get(database, payment)).status is Status.AUTHORISED
    assert await captures(database, payment) == [(5_000, CaptureStatus.FAILED)]


async def test_money_taken_after_a_refusal_is_believed(database: Database) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 3_000)
    await database.unit_of_work(lambda tx: payments.capture_was_refused(tx, asked.id, "no"))

    await record(database, news_of(payment, EventKind.PAID, amount_minor=3_000))

    after = await factories.get(database, payment)
    assert (after.status, after.captured_minor) == (Status.PAID, 3_000)
    assert await captures(database, payment) == [(3_000, CaptureStatus.SUCCEEDED)]


async def test_of_two_captures_of_the_same_amount_the_one_that_stands_is_paid(
    database: Database,
) -> None:
    payment = await factories.authorised(database)
    refused = await capture(database, payment, 3_000, "first")
    await database.unit_of_work(lambda tx: payments.capture_was_refused(tx, refused.id, "no"))
    await capture(database, payment, 3_000, "second")

    await record(database, news_of(payment, EventKind.PAID, amount_minor=3_000))

    found = await database.read(lambda tx: payments.captures_of(tx, payment.id))
    assert {one.key: one.status for one in found} == {
        "first": CaptureStatus.FAILED,
        "second": CaptureStatus.SUCCEEDED,
    }


async def test_an_authorisation_that_runs_out_ends_its_capture(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 5_000)
    await database.unit_of_work(lambda tx: payments.try_capture(tx, asked.id))
    provider.standing = money_of(payment, status=Stands.VOIDED)
    clock.advance(2 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 1

    assert (await factories.get(database, payment)).status is Status.VOIDED
    assert await captures(database, payment) == [(5_000, CaptureStatus.FAILED)]
    assert await announced(database, payment) == ["payment.authorised", "payment.voided"]


@pytest.mark.parametrize("gone", [Stands.ABSENT, Stands.EXPIRED, Stands.FAILED])
async def test_a_provider_that_knows_of_no_authorisation_any_more_has_voided_it(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
    gone: Stands,
) -> None:
    payment = await factories.authorised(database)
    provider.standing = money_of(payment, status=gone)
    clock.advance(25 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 1

    assert (await factories.get(database, payment)).status is Status.VOIDED


async def test_what_is_authorised_and_forgotten_is_released(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.authorised(database)
    provider.standing = money_of(payment, status=Stands.AUTHORISED)
    clock.advance(24 * MINUTE)
    assert await jobs.reconcile_open(database, gateways) == 0
    assert provider.closed == []

    clock.advance(MINUTE)
    assert await jobs.reconcile_open(database, gateways) == 1

    assert provider.closed == [payment.key]
    assert (await factories.get(database, payment)).status is Status.VOIDED


async def test_a_provider_that_lets_go_of_nothing_is_asked_once_an_hour(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.authorised(database)
    provider.releases = False
    provider.standing = money_of(payment, status=Stands.AUTHORISED)
    clock.advance(25 * MINUTE)
    for _ in range(61):
        await jobs.reconcile_open(database, gateways)
        clock.advance(MINUTE)

    assert provider.closed == [payment.key] * 2
    assert (await factories.get(database, payment)).status is Status.AUTHORISED


async def test_money_that_is_taken_at_the_door_is_waited_for(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    provider.captures_later = True
    payment = await factories.authorised(database)
    provider.standing = money_of(payment, status=Stands.AUTHORISED)
    for _ in range(5):
        clock.advance(DAY)
        assert await jobs.reconcile_open(database, gateways) == 0

    assert provider.closed == []
    provider.standing = money_of(payment)
    clock.advance(DAY)
    assert await jobs.reconcile_open(database, gateways) == 1
    assert (await factories.get(database, payment)).status is Status.PAID


async def test_closing_against_capturing_ends_with_the_providers_word(database: Database) -> None:
    """Whichever of the two the provider carried out: its answer is the end."""
    payment = await factories.authorised(database)
    await capture(database, payment, 5_000)
    voided = money_of(payment, status=Stands.VOIDED)
    answers = [replace(voided), money_of(payment)]

    await asyncio.gather(
        *(
            database.unit_of_work(lambda tx, a=a: payments.record_standing(tx, payment.id, a))
            for a in answers
        )
    )

    assert (await factories.get(database, payment)).status is Status.PAID
    assert await captures(database, payment) == [(5_000, CaptureStatus.SUCCEEDED)]


async def test_another_amount_than_was_asked_for_is_not_taken_for_it(database: Database) -> None:
    payment = await factories.authorised(database)
    await capture(database, payment, 3_000)

    await record(database, news_of(payment, EventKind.PAID, amount_minor=2_999))

    assert (await factories.get(database, payment)).status is Status.CAPTURING
    name, said = (await announcements(database, payment))[-1]
    assert (name, said["reason"], said["got_minor"]) == ("payment.mismatched", "wrong_money", 2_999)


@pytest.mark.parametrize(
    ("_case", "nonsense"),
    [
        ("an open page", {"status": Stands.OPEN}),
        ("paid, and nothing", {"amount_minor": 0}),
        ("paid, and less", {"amount_minor": 2_999}),
        ("paid, and more", {"amount_minor": 5_001}),
        ("paid below zero", {"amount_minor": -3_000}),
        ("paid in dollars", {"amount_minor": 3_000, "currency": "USD"}),
        ("paid in nothing", {"amount_minor": 3_000, "currency": ""}),
    ],
)
async def test_a_provider_that_answers_nonsense_is_asked_again(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
    _case: str,
    nonsense: dict[str, Any],
) -> None:
    payment = await factories.authorised(database)
    asked = await capture(database, payment, 3_000)
    provider.standing = money_of(payment, **nonsense)
    await database.unit_of_work(lambda tx: payments.try_capture(tx, asked.id))
    await carry_out(database, gateways, payment, asked)

    assert (await factories.get(database, payment)).status is Status.CAPTURING
    assert await captures(database, payment) == [(3_000, CaptureStatus.ASKED)]
    assert "payment.succeeded" not in await announced(database, payment)

    provider.standing = money_of(payment, amount_minor=3_000)
    clock.advance(2 * MINUTE)
    assert await jobs.reconcile_open(database, gateways) == 1
    assert (await factories.get(database, payment)).status is Status.PAID


async def test_an_authorisation_of_other_money_is_none(database: Database) -> None:
    payment = await factories.opened(database, capture=CaptureMode.MANUAL)

    await record(database, news_of(payment, EventKind.AUTHORISED, amount_minor=4_999))

    assert await factories.get(database, payment) == payment
    ((name, said),) = await announcements(database, payment)
    assert (name, said["reason"]) == ("payment.mismatched", "wrong_authorisation")


async def test_a_gateway_that_cannot_capture_by_hand_opens_no_such_page(
    database: Database, gateways: dict[str, ScriptedProvider], provider: ScriptedProvider
) -> None:
    provider.manual_capture = False
    payment = await factories.created(database, capture=CaptureMode.MANUAL)

    with pytest.raises(PaymentRefused) as refused:
        await payments.open_at_gateway(gateways, payment)

    assert refused.value.facts == {"provider": "sandbox", "reason": "no_manual_capture"}


async def test_what_the_fan_need_not_do_needs_no_link(database: Database) -> None:
    payment = await factories.created(database, capture=CaptureMode.MANUAL)
    after = await database.unit_of_work(lambda tx: payments.opened(tx, payment.id, "cash-1", None))
    assert (after.status, after.pay_url) == (Status.OPEN, None)

    standing = money_of(payment, status=Stands.AUTHORISED)
    after = await database.unit_of_work(
        lambda tx: payments.record_standing(tx, payment.id, standing)
    )
    assert after.status is Status.AUTHORISED
