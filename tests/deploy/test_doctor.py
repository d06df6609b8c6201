"""`livetill doctor` compares a provider's report with the books, and ends with what it found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commerce import payments
from commerce.checkout import runs
from commerce.kernel.clock import HOUR, SECOND
from commerce.kernel.errors import Outage
from deploy import checkup, invariants
from deploy.checkup import FileUnreadable, Wish
from deploy.cli import app
from deploy.settings import Settings
from tests.checkout.shop import Shop
from tests.conftest import NOON

COLUMNS = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
    "payment_metadata[payment_key]"
)


class StripeShop(Shop):
    @property
    def gateways(self):
        return {"stripe": self.provider}


@pytest.fixture
async def shop(database, clock):
    shop = StripeShop(database, clock)
    await shop.opens()
    return shop


@pytest.fixture
def settings(database_url):
    return Settings(
        database_url=database_url,
        stripe_secret_key="sk_test_x",
        stripe_webhook_secret="whsec_x",
        _env_file=None,
    )


@pytest.fixture
def doctor(settings):
    async def work(**wish):
        said: list[str] = []
        code = await checkup.examine(settings, Wish(**wish), said.append, lambda words: None)
        return code, said

    return work


async def sold_by_stripe(shop):
    """A purchase that came through Stripe; who plays it here does not matter."""
    purchase = await shop.buys(provider="stripe")
    await shop.settles()
    payment = await shop.payment(purchase)
    event = payments.ProviderEvent(
        event_id="evt_1", kind=payments.EventKind.PAID, type="paid", payment_key=purchase.key,
        amount_minor=payment.amount_minor, currency="EUR", charge_ref="pi_1",
    )  # fmt: skip
    await shop.database.unit_of_work(lambda tx: payments.record_event(tx, "stripe", event))
    await shop.settles()
    shop.clock.advance(HOUR)
    return purchase


def a_file(folder, *rows, columns=COLUMNS):
    path = folder / "balance.csv"
    path.write_text("\n".join([columns, *rows]))
    return path


def a_row(purchase, gross="54.90", fee="1.89", net="53.01", source="ch_1"):
    moment = datetime.fromtimestamp(NOON // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"txn_{source},{moment},eur,{gross},{fee},{net},charge,{source},{purchase.key}"


async def test_a_report_that_agrees_ends_well_and_writes_nothing(shop, doctor, tmp_path):
    purchase = await sold_by_stripe(shop)
    before = await shop.books()

    assert await doctor(provider="stripe", file=a_file(tmp_path, a_row(purchase))) == (
        0,
        [
            "stripe: 1 of 1 lines agree with the books.",
            "stripe: fees not in the ledger yet: 1, together €1.89; --record posts them.",
            "stripe still owes us €54.90: €54.90 captured.",
        ],
    )
    assert await shop.books() == before
    assert await shop.database.read(runs) == []


async def test_what_differs_is_told_in_words_with_the_order(shop, doctor, tmp_path):
    purchase = await sold_by_stripe(shop)
    file = a_file(tmp_path, a_row(purchase, gross="54.91", net="53.02"))

    code, said = await doctor(provider="stripe", file=file)

    assert code == 1
    assert said[0].startswith(
        f"stripe: Another amount: For the payment of order {purchase.code} the report of Stripe has"
        " €54.91 and our books have €54.90: €0.01 more."
    )
    assert said[1] == "stripe: 0 of 1 lines agree with the books."


async def test_recorded_it_is_kept_and_its_fees_are_posted(shop, doctor, tmp_path):
    purchase = await sold_by_stripe(shop)
    file = a_file(tmp_path, a_row(purchase), a_row(purchase, source="ch_2"))

    for times in range(2):
        code, said = await doctor(provider="stripe", file=file, record=True)
        assert code == 1
        assert (said[2] == "stripe: fees posted: 1, together €1.89.") is (times == 0)

    assert said[-1] == "stripe still owes us €53.01: €54.90 captured and €1.89 fees."
    (run,) = await shop.database.read(runs)
    assert (run.source, run.lines, run.matched, run.open) == ("balance.csv", 2, 1, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (["txn_1,today,eur,1,0,1,charge,ch_1,k"], COLUMNS, "line 2: created_utc is not a moment"),
        ([], COLUMNS, "it has no lines"),
        ([], "a,b", "the column balance_transaction_id is missing"),
    ],
)
async def test_a_file_that_is_no_report_is_named(shop, doctor, tmp_path, rows, columns, words):
    file = a_file(tmp_path, *rows, columns=columns)

    with pytest.raises(FileUnreadable) as unreadable:
        await doctor(provider="stripe", file=file)
    assert str(file) in str(unreadable.value)
    assert words in str(unreadable.value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_provider_without_reports_is_named(doctor, tmp_path):
    with pytest.raises(FileUnreadable, match="cash is no provider here that gives reports"):
        await doctor(provider="cash", file=a_file(tmp_path))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_missing_file_and_one_that_is_no_text_are_named(doctor, tmp_path):
    with pytest.raises(FileUnreadable, match="No such file"):
        await doctor(provider="stripe", file=tmp_path / "none.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileUnreadable, match="not a text in UTF-8"):
        await doctor(provider="stripe", file=tmp_path / "x.csv")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_yesterday_is_asked_for_only_when_wished(settings):
    unreachable = settings.model_copy(update={"stripe_api_base": "http://127.0.0.1:9"})

    async def examined(**wish):
        said: list[str] = []
        await checkup.examine(unreachable, Wish(**wish), said.append, lambda words: None)
        return said

    assert await examined() == [
        f"All {len(invariants.INVARIANTS)} invariants hold.",
        "The ledger is as it was sealed.",
    ]
    with pytest.raises(Outage):
        await examined(yesterday=True)


def test_the_command_says_how_it_is_used():
    from typer.testing import CliRunner

    runner = CliRunner()
    said = runner.invoke(app, ["doctor", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in said for name in ("--provider", "--report", "--reports", "--record"))
    assert runner.invoke(app, ["doctor", "--provider", "stripe"]).exit_code == 2
