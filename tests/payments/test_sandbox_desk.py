"""The difficult cases of the sandbox, from the button to the payment, and its books of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from commerce import payments
from commerce.kernel.clock import DAY, MINUTE, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    CaptureMode,
    DisputeStatus,
    MalformedReport,
    Payment,
    Payouts,
    PayoutStatus,
    RefundStatus,
    Reporting,
    ReportKind,
    ReportLine,
    Stands,
    Status,
    sandbox_desk,
)
from commerce.payments.gateways import sandbox_books
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from commerce.payments.gateways.sandbox_desk import Button, Page
from tests.payments import factories
from tests.payments.factories import announced

SECRET = "sandbox secret"


@dataclass
class Shop:
    """A payment at the sandbox, its page, and its webhooks as they come in."""

    database: Database
    clock: FakeClock
    gateway: SandboxGateway = field(init=False)
    payment: Payment = field(init=False)

    async def opens(self, capture: CaptureMode = CaptureMode.AUTOMATIC) -> None:
        self.gateway = SandboxGateway(
            self.database, public_url="https://till.example", secrets=[SECRET], return_url=""
        )
        self.payment = await factories.created(self.database, capture=capture)
        made = await payments.open_at_gateway(self.gateways, self.payment)
        await self.database.unit_of_work(
            lambda tx: payments.opened(tx, self.payment.id, made.provider_ref, made.pay_url)
        )

    @property
    def gateways(self) -> payments.Gateways:
        return {"sandbox": self.gateway}

    async def press(self, *buttons: Button) -> Page:
        known = await self.now()
        assert known.pay_url is not None
        token = known.pay_url.rpartition("/")[2]
        for button in buttons:
            page = await self.database.unit_of_work(
                lambda tx, button=button: sandbox_desk.press(tx, token, button)
            )
            await self.hears()
        return page

    async def hears(self) -> None:
        async def post(body: bytes, headers: Mapping[str, str]) -> int:
            await factories.record(self.database, self.gateway.verify(headers, body))
            return 200

        await SandboxDeliverer(self.database, post, secret=SECRET).deliver_due()

    async def now(self) -> Payment:
        return await factories.get(self.database, self.payment)

    async def gives_back(self, amount_minor: int) -> payments.Refund:
        refund = await self.database.unit_of_work(
            lambda tx: payments.request_refund(
                tx, key=f"back-{amount_minor}", payment_id=self.payment.id,
                amount_minor=amount_minor, reason="",
            )
        )  # fmt: skip
        standing = await payments.refund_at_gateway(self.gateways, await self.now(), refund)
        after = await self.database.unit_of_work(
            lambda tx: payments.record_refund(tx, refund, standing)
        )
        await self.hears()
        return after

    async def moved(self) -> list[tuple[ReportKind, int]]:
        lines = await self.gateway.report(self.payment.created_at, self.clock.now() + 1)
        return [(line.kind, line.amount_minor) for line in lines]


@pytest.fixture
async def shop(database: Database, clock: FakeClock) -> Shop:
    shop = Shop(database, clock)
    await shop.opens()
    return shop


async def test_money_of_a_slow_bank_comes_after_the_link_has_ended(shop: Shop) -> None:
    page = await shop.press(Button.LATE)
    assert page.session.status == "expired"
    assert (await shop.now()).status is Status.EXPIRED
    assert (await shop.gateway.ask(shop.payment)).status is Stands.EXPIRED
    assert await shop.moved() == []

    shop.clock.advance(15 * SECOND)
    assert (await shop.gateway.ask(shop.payment)).status is Stands.PAID
    await shop.hears()

    assert (await shop.now()).status is Status.PAID
    assert await shop.moved() == [(ReportKind.CHARGE, 5_000)]
    assert await announced(shop.database, shop.payment) == ["payment.expired", "payment.succeeded"]


async def test_late_money_can_be_given_back(shop: Shop) -> None:
    await shop.press(Button.LATE)
    shop.clock.advance(15 * SECOND)
    await shop.hears()

    await shop.gives_back(5_000)

    assert (await shop.now()).status is Status.REFUNDED


async def test_an_authorisation_lapses_by_itself_and_by_the_button(
    database: Database, clock: FakeClock
) -> None:
    by_time, by_button = Shop(database, clock), Shop(database, clock)
    for shop in (by_time, by_button):
        await shop.opens(CaptureMode.MANUAL)
        assert (await shop.press(Button.APPROVE)).session.status == "authorised"
        assert (await shop.now()).status is Status.AUTHORISED
        assert (await shop.now()).capture_before == clock.now() + 7 * DAY

    assert (await by_button.press(Button.LAPSE)).session.status == "voided"
    clock.advance(7 * DAY)

    assert (await by_button.now()).status is Status.VOIDED
    for shop in (by_time, by_button):
        assert (await shop.gateway.ask(shop.payment)).status is Stands.VOIDED
    assert await by_time.moved() == []


async def test_a_refund_may_be_pending_first(shop: Shop) -> None:
    await shop.press(Button.APPROVE, Button.REFUNDS_PENDING)
    assert (await shop.gives_back(2_000)).status is RefundStatus.PENDING
    assert (await shop.now()).status is Status.REFUNDING
    assert await shop.moved() == [(ReportKind.CHARGE, 5_000)]

    page = await shop.press(Button.FINISH)

    assert page.session.refunded_minor == 2_000
    assert (await shop.now()).status is Status.PARTLY_REFUNDED
    assert await shop.moved() == [(ReportKind.CHARGE, 5_000), (ReportKind.REFUND, -2_000)]


async def test_a_refund_may_fail_at_once(shop: Shop) -> None:
    await shop.press(Button.APPROVE, Button.REFUNDS_FAIL)

    assert (await shop.gives_back(2_000)).status is RefundStatus.FAILED

    assert (await shop.now()).status is Status.PAID
    assert await shop.moved() == [(ReportKind.CHARGE, 5_000)]
    (failed,) = await shop.database.read(payments.failed_refunds)
    assert (failed.failure, failed.amount_minor) == ("account_closed", 2_000)


async def test_a_refund_that_succeeded_may_bounce(shop: Shop) -> None:
    await shop.press(Button.APPROVE)
    await shop.gives_back(5_000)
    assert (await shop.now()).status is Status.REFUNDED

    page = await shop.press(Button.BOUNCE)

    assert page.session.refunded_minor == 0
    assert (await shop.now()).status is Status.PAID
    assert sum(amount for _, amount in await shop.moved()) == 5_000


@pytest.mark.parametrize(
    ("button", "status", "left"), [(Button.WIN, "won", 5_000), (Button.LOSE, "lost", 0)]
)
async def test_a_dispute_is_opened_and_decided(
    shop: Shop, button: Button, status: str, left: int
) -> None:
    page = await shop.press(Button.APPROVE, Button.DISPUTE)
    assert {Button.WIN, Button.LOSE} <= page.buttons
    assert Button.DISPUTE not in page.buttons

    await shop.press(button)

    (dispute,) = await shop.database.read(lambda tx: payments.disputes_of(tx, shop.payment.id))
    assert (dispute.status, dispute.amount_minor) == (DisputeStatus(status), 5_000)
    assert sum(amount for _, amount in await shop.moved()) == left


async def test_a_button_that_is_not_on_the_page_does_nothing(shop: Shop) -> None:
    for button in (
        set(Button) - {Button.APPROVE, Button.DECLINE, Button.SLOW, Button.TWICE} - {Button.LATE}
    ):
        before = await shop.press(button)
        assert before.session.status == "open"
    assert await announced(shop.database, shop.payment) == []


async def test_shares_are_sent_on_once_and_taken_back(shop: Shop) -> None:
    payout = factories.a_payout(amount_minor=3_000)
    back = factories.a_reversal(amount_minor=2_000)
    assert await shop.gateway.ask_transfer(payout) is None
    sent = [await shop.gateway.transfer(payout) for _ in range(2)]
    taken = [await shop.gateway.reverse(payout, back) for _ in range(2)]

    assert sent[0] == sent[1] == await shop.gateway.ask_transfer(payout)
    assert taken[0] == taken[1] == await shop.gateway.ask_reversal(payout, back)
    assert sent[0].status is PayoutStatus.SUCCEEDED
    assert await shop.moved() == [(ReportKind.PAYOUT, -3_000), (ReportKind.PAYOUT, 2_000)]
    with pytest.raises(payments.PayoutRefused):
        await shop.gateway.transfer(replace(payout, amount_minor=3_001))
    with pytest.raises(payments.PayoutRefused):
        await shop.gateway.reverse(payout, factories.a_reversal(key="more", amount_minor=1_001))
    with pytest.raises(payments.PayoutRefused):
        await shop.gateway.reverse(replace(payout, key="unsent"), replace(back, key="unsent"))


async def test_the_report_says_who_paid_and_can_be_read_from_its_file(shop: Shop) -> None:
    await shop.press(Button.APPROVE)
    await shop.gives_back(1_000)
    now = shop.clock.now()

    lines = await shop.gateway.report(now - MINUTE, now + 1)

    charge = (await shop.now()).charge_ref
    assert {(line.payment_key, line.charge_ref, line.fee_minor) for line in lines} == {
        (shop.payment.key, charge, 0)
    }
    assert lines[0].ref == charge
    assert shop.gateway.read_report(sandbox_books.as_file(lines)) == lines
    assert await shop.gateway.report(now - MINUTE, now) == []
    assert isinstance(shop.gateway, Reporting)
    assert isinstance(shop.gateway, Payouts)


A_LINE = "charge,ch,key,ch,5000,0,EUR,1"


@pytest.mark.parametrize(
    ("_case", "text", "line"),
    [
        ("nothing", "", 0),
        ("another table", "a,b\n1,2\n", 1),
        ("a page", "<html></html>", 1),
        ("an unknown movement", A_LINE.replace("charge", "gift"), 2),
        ("an amount with a point", A_LINE.replace("5000", "50.00"), 2),
        ("an amount as Python writes it", A_LINE.replace("5000", "5_000"), 2),
        ("too many digits", A_LINE.replace("5000", "5" * 19), 2),
        ("no currency", A_LINE.replace("EUR", ""), 2),
        ("a column too few", A_LINE.rpartition(",")[0], 2),
        ("a quote that never ends", A_LINE.replace("charge", '"charge'), 2),
    ],
)
def test_what_is_no_report_is_refused(_case: str, text: str, line: int) -> None:
    if line == 2:
        text = f"{','.join(ReportLine.__dataclass_fields__)}\n{text}\n"

    with pytest.raises(MalformedReport) as refused:
        sandbox_books.from_file("sandbox", text)

    assert refused.value.facts["provider"] == "sandbox"
    assert refused.value.facts["line"] == line
