"""What Stripe says it moved: asked over its API, and read from its report file, with one result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from commerce.kernel.clock import DAY, HOUR, SECOND, FakeClock
from commerce.kernel.errors import Outage
from commerce.payments import MalformedReport, Payment, ReportKind, ReportLine
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_account import DISPUTE_FEE
from tests.contracts.stripe_stand_in import Fault, StripeStandIn
from tests.contracts.stripe_values import a_capture, a_refund, held, paid, serving

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

COLUMNS = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
    "reporting_category,source_id,description,payment_intent_id,payment_metadata[payment_key]"
)
CHARGE = (
    'txn_1,2026-06-01 12:00:00,2026-06-03 12:00:00,eur,50.00,1.00,49.00,charge,ch_1,"A, b",pi_1,k'
)
FILE = f"{COLUMNS}\n{CHARGE}\n"


@pytest.fixture
def stand_in() -> StripeStandIn:
    return StripeStandIn()


@pytest.fixture
async def gateway(stand_in: StripeStandIn, clock: FakeClock) -> AsyncIterator[StripeGateway]:
    async with serving(stand_in) as gateway:
        yield gateway


async def everything(gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock) -> Payment:
    """A payment captured in part, refunded, disputed and won; a refund that came back."""
    payment = await held(gateway, stand_in)
    await gateway.capture(payment, a_capture(4_000))
    clock.advance(HOUR)
    await gateway.refund(payment, a_refund(1_000))
    made = await gateway.refund(payment, a_refund(500, key="return-2"))
    clock.advance(HOUR)
    stand_in.settle_refund(made.provider_ref, "failed")
    dispute = stand_in.dispute(str(payment.charge_ref), amount=3_000)
    clock.advance(HOUR)
    stand_in.close_dispute(dispute, "won")
    stand_in.transfer(
        {
            "amount": 700,
            "currency": "eur",
            "destination": "acct_mia",
            "source_transaction": stand_in.things[str(payment.charge_ref)]["latest_charge"],
        }
    )
    stand_in.pay_out("eur", 1_500)
    return payment


async def test_every_movement_is_told_once_the_oldest_first(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    began = clock.now()
    payment = await everything(gateway, stand_in, clock)

    lines = await gateway.report(began, clock.now() + 1)

    assert [(line.kind, line.amount_minor, line.fee_minor) for line in lines] == [
        (ReportKind.CHARGE, 4_000, 85),
        (ReportKind.REFUND, -1_000, 0),
        (ReportKind.REFUND, -500, 0),
        (ReportKind.REFUND, 500, 0),
        (ReportKind.DISPUTE, -3_000, DISPUTE_FEE),
        (ReportKind.DISPUTE_REVERSAL, 3_000, 0),
        (ReportKind.PAYOUT, -700, 0),
        (ReportKind.PAYOUT, -1_500, 0),
    ]
    of_payment = lines[:6]
    assert {(line.charge_ref, line.currency) for line in of_payment} == {
        (payment.charge_ref, "EUR")
    }
    assert [line.payment_key for line in of_payment] == ["key-1"] * 4 + [None] * 2
    assert [(line.at - began) // HOUR for line in lines] == [0, 1, 1, 2, 2, 3, 3, 3]


async def test_a_line_is_named_as_the_thing_is_known_here(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    await everything(gateway, stand_in, clock)
    (charge,), (dispute,) = stand_in.all("charge"), stand_in.all("dispute")
    first, second = stand_in.refunds
    came_back = stand_in.refunds[second]["failure_balance_transaction"]
    (transfer,), (payout,) = stand_in.transfers, stand_in.all("payout")

    lines = await gateway.report(0, clock.now() + 1)

    named = [charge, first, second, came_back, dispute, dispute, transfer, payout]
    assert [line.ref for line in lines] == named
    assert len({(line.kind, line.ref) for line in lines}) == len(lines)


async def test_the_file_says_what_the_api_says(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    await everything(gateway, stand_in, clock)

    assert gateway.read_report(report_file(stand_in)) == await gateway.report(0, clock.now() + 1)


async def test_a_period_begins_at_its_moment_and_ends_before_the_next(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    moments = []
    for number in range(3):
        moments.append(clock.now())
        await paid(gateway, stand_in, key=f"key-{number}")
        clock.advance(DAY)
    first, second, third = moments

    async def told(since: int, until: int) -> list[str | None]:
        return [line.payment_key for line in await gateway.report(since, until)]

    assert await told(first, third) == ["key-0", "key-1"]
    assert await told(first + 1, third + 1) == ["key-1", "key-2"]
    assert await told(second, second) == []
    assert await told(third + 1, third + DAY) == []


async def test_a_report_of_many_pages_is_told_whole(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    for _ in range(205):
        stand_in.pay_out("eur", 1)

    lines = await gateway.report(0, clock.now() + 1)

    assert len({line.ref for line in lines}) == 205
    assert [r for r in stand_in.requests if "balance" in r] == ["GET /v1/balance_transactions"] * 3


async def test_a_report_that_breaks_off_is_an_outage(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    for _ in range(105):
        stand_in.pay_out("eur", 1)
    stand_in.faults.extend([None, Fault.LOSE_ANSWER])

    with pytest.raises(Outage):
        await gateway.report(0, clock.now() + 1)


def test_whatever_else_stripe_takes_is_a_fee(gateway: StripeGateway) -> None:
    rows = [
        CHARGE.replace("charge,ch_1", f"{word},ch_1") for word in ("fee", "network_cost", "new")
    ]

    lines = gateway.read_report("\n".join([COLUMNS, *rows]))

    assert [(line.kind, line.ref) for line in lines] == [(ReportKind.FEE, "txn_1")] * 3


@pytest.mark.parametrize(
    "text",
    [
        f"\N{BYTE ORDER MARK}{COLUMNS}\r\n{CHARGE}\r\n",  # as saved by a spreadsheet
        f"{COLUMNS}\n\n{CHARGE}",
        f"{COLUMNS},more\n{CHARGE},",
        f"{COLUMNS}\n{CHARGE}".replace("50.00,1.00,49.00", '"50,00","1,00","49,00"'),
    ],
)
def test_a_file_is_read_as_people_save_it(gateway: StripeGateway, text: str) -> None:
    assert gateway.read_report(text) == [
        ReportLine(
            kind=ReportKind.CHARGE,
            ref="ch_1",
            payment_key="k",
            charge_ref="pi_1",
            amount_minor=5_000,
            fee_minor=100,
            currency="EUR",
            at=int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()) * SECOND,
        )
    ]


def test_amounts_have_the_digits_of_their_currency(gateway: StripeGateway) -> None:
    yen = CHARGE.replace("eur,50.00,1.00,49.00", "jpy,5000,100,4900")
    dinar = CHARGE.replace("eur,50.00,1.00,49.00", "kwd,-5.120,0.000,-5.12")

    lines = gateway.read_report("\n".join([COLUMNS, yen, dinar]))

    assert [(line.amount_minor, line.currency) for line in lines] == [
        (5_000, "JPY"),
        (-5_120, "KWD"),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("50.00", "fifty", "gross is not an amount: 'fifty'"),
        ("50.00", "1.050.00", "gross is not an amount: '1.050.00'"),
        ("50.00", "\u0665\u0660", "gross is not an amount: '\u0665\u0660'"),
        ("50.00", "--50", "gross is not an amount: '--50'"),
        ("50.00", "1e3", "gross is not an amount: '1e3'"),
        ("50.00", "50.001", "gross has more digits than EUR: '50.001'"),
        ("50.00", "5" * 25, f"gross is not an amount: '{'5' * 25}'"),
        ("50.00", "", "gross is empty"),
        ("49.00", "48.99", "gross less fee is not net"),
        ("eur", "euro", "currency is not a currency: 'EURO'"),
        ("2026-06-01 12:00:00", "1 June", "created_utc is not a moment: '1 June'"),
        ("txn_1", " ", "balance_transaction_id is empty"),
        ("pi_1", "pi\0", "payment_intent_id is not a name"),
        ("pi_1", "p" * 501, "payment_intent_id is not a name"),
        (",k", "", "it has another number of fields than the first line"),
        (",k", ",k,more", "it has another number of fields than the first line"),
        (",k", ',"k', "it is not a line of CSV: unexpected end of data"),
    ],
)
def test_a_line_that_is_wrong_is_refused_with_its_number(
    gateway: StripeGateway, right: str, wrong: str, reason: str
) -> None:
    text = f"{FILE}{CHARGE.replace(right, wrong, 1)}"

    with pytest.raises(MalformedReport) as refused:
        gateway.read_report(text)

    facts = {"provider": "stripe", "line": 3, "reason": f"line 3: {reason}"}
    assert refused.value.facts == facts


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "balance_transaction_id"),
        ("date,amount\n1,2", "balance_transaction_id"),
        (FILE.replace(",source_id", ""), "source_id"),
        (COLUMNS.partition(",payment_intent_id")[0], "payment_intent_id"),
    ],
)
def test_a_file_without_what_tells_payments_apart_is_refused(
    gateway: StripeGateway, text: str, missing: str
) -> None:
    with pytest.raises(MalformedReport) as refused:
        gateway.read_report(text)

    assert refused.value.facts["reason"].endswith(f"the column {missing} is missing")


def report_file(stand_in: StripeStandIn) -> str:
    """The itemised balance change from activity, with the columns chosen that tell payments."""
    rows = [COLUMNS]
    for moved in stand_in.all("balance_transaction").values():
        source = stand_in.things[moved["source"]]
        at = datetime.fromtimestamp(moved["created"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        amounts = [f"{moved[name] / 100:.2f}" for name in ("amount", "fee", "net")]
        rows.append(
            ",".join(
                [
                    *(moved["id"], at, at, moved["currency"], *amounts),
                    *(moved["reporting_category"], moved["source"], '"A, ""fan"""'),
                    source.get("payment_intent") or "",
                    source.get("metadata", {}).get("payment_key", ""),
                ]
            )
        )
    return "\n".join(rows)
