"""Payment cases are closed by a person; an order shows all its money, and some of it goes back."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import select, update

from backoffice import forms, trimming
from backoffice.forms import NoSuchAmount
from commerce import payments
from commerce.kernel import audit
from commerce.pricing.tables import QUOTES
from tests.backoffice.conftest import Browser, Opens
from tests.backoffice.test_operations import HERE, REASON, ada, audited, form_key, tiles, troubles
from tests.backoffice.troubles import Troubles
from tests.checkout.shop import TOTAL, Purchase

__all__ = ["ada", "troubles"]  # fixtures
CASES = f"{HERE}/payments"


def page_of(purchase: Purchase) -> str:
    return f"{HERE}/orders/{purchase.data.order_id}"


async def refunds_of(troubles: Troubles, purchase: Purchase) -> list[tuple[int, str]]:
    found = await troubles.shop.database.read(
        lambda tx: payments.refunds_of(tx, purchase.data.payment_id)
    )
    return [(refund.amount_minor, refund.reason) for refund in found]


async def asks_for(ada: Browser, purchase: Purchase, **fields: str) -> str:
    """The page after the form was sent."""
    page = await ada.get(page_of(purchase))
    form = {"key": form_key(page), "amount": "10.00", "reason": REASON, **fields}
    return await ada.get(await ada.post(f"{page_of(purchase)}/refund", **form))


async def test_each_kind_of_case_is_told_in_words(troubles: Troubles, ada: Browser) -> None:
    wrong = await troubles.wrong_money()
    await troubles.unknown_payment()
    await troubles.failed_refund()
    await troubles.dispute()
    page = await ada.get(CASES)

    assert "4 open" in page
    for words in (
        "Sandbox says €1.00 came in; €54.90 was asked for.",
        f"{HERE}/orders/{wrong.data.order_id}",
        "News of a payment that nobody here knows", "evt_of_nobody",
        "€10.00 should have gone back and did not.", "not allowed",
        "€54.90 is disputed. Answer at Sandbox, in time.", "fraudulent",
    ):  # fmt: skip
        assert words in page


async def test_a_case_is_closed_once_and_stays_to_be_read(troubles: Troubles, ada: Browser) -> None:
    await troubles.wrong_money()
    page = await ada.get(CASES)
    subject = page.partition('name="subject" value="')[2].partition('"')[0]
    for _ in range(2):
        await ada.post(f"{CASES}/close", key=form_key(page), subject=subject, reason=REASON)

    page = await ada.get(CASES)
    assert "0 open" in page
    assert f"Ada: {REASON}" in page
    assert tiles(await ada.get(HERE)) == {}
    assert await audited(troubles.shop.database, subject) == [("case.closed", "Ada", REASON)]


async def test_only_a_case_that_exists_is_closed(troubles: Troubles, ada: Browser) -> None:
    await ada.get(CASES)
    where = await ada.post(f"{CASES}/close", subject="refund:nothing", reason=REASON)

    assert "there is no such case" in await ada.get(where)
    assert await troubles.shop.database.read(audit.recent) == []


async def test_an_order_is_found_by_its_code(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.paid()
    spoken = f" {purchase.code[:3].lower()}-{purchase.code[3:]} "

    where = await ada.get(f"{HERE}/orders?code={spoken}", 303)
    assert where == ""
    page = await ada.get(page_of(purchase))
    for words in (
        purchase.code, "Linen shirt", "€54.90", "Attempt", "Capture", "customer_payable",
        "Stock: sold", "Checkout", "Give money back",
    ):  # fmt: skip
        assert words in page
    assert "There is no order with this code." in await ada.get(f"{HERE}/orders?code=QQ", 404)
    assert "As the fan reads it out" in await ada.get(f"{HERE}/orders")


async def test_an_order_tells_how_its_price_was_made_and_counts_it_again(
    troubles: Troubles, ada: Browser
) -> None:
    purchase = await troubles.paid()
    page = await ada.get(page_of(purchase))
    for words in ("counted again: the same", "€25.00", "IVA 21%", "€9.53", "on the list"):
        assert words in page

    database = troubles.shop.database
    kept = await database.read(lambda tx: tx.scalar(select(QUOTES.c.body)))
    forged = kept.replace("5000", "5001")
    await database.unit_of_work(lambda tx: tx.run(update(QUOTES).values(body=forged)))
    assert forged != kept

    assert "counted again: another one" in await ada.get(page_of(purchase))


async def test_a_part_goes_back_and_the_pieces_with_it(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.paid()
    before = await troubles.shop.stock()
    page = await asks_for(ada, purchase, amount="10,50", restock="yes")
    assert "The refund was asked for." in page
    await troubles.shop.settles()

    assert await refunds_of(troubles, purchase) == [(1_050, REASON)]
    on_hand, held, sold = before
    assert await troubles.shop.stock() == (on_hand, held, sold - 2)
    [entry] = await troubles.shop.database.read(
        lambda tx: audit.about(tx, f"order:{purchase.data.order_id}")
    )
    assert (entry.action, entry.actor_name, entry.reason) == (
        "order.refund_requested", "Ada", REASON,
    )  # fmt: skip
    assert (entry.facts["amount_minor"], entry.facts["restock"]) == (1_050, True)
    page = await ada.get(page_of(purchase))
    assert "44.40" in page  # what is left is what the form offers next


async def test_the_whole_goes_back_and_nothing_more(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.paid()
    await asks_for(ada, purchase, amount="54.90")
    await troubles.shop.settles()

    assert await refunds_of(troubles, purchase) == [(TOTAL, REASON)]
    assert "Give money back" not in await ada.get(page_of(purchase))
    await ada.post(f"{page_of(purchase)}/refund", amount="1.00", reason=REASON)
    assert await refunds_of(troubles, purchase) == [(TOTAL, REASON)]


async def test_a_refund_form_sent_many_times_at_once_gives_back_once(
    troubles: Troubles, ada: Browser
) -> None:
    purchase = await troubles.paid()
    key = form_key(await ada.get(page_of(purchase)))
    form = {"key": key, "amount": "10.00", "reason": REASON}
    await asyncio.gather(*(ada.post(f"{page_of(purchase)}/refund", **form) for _ in range(4)))

    assert await refunds_of(troubles, purchase) == [(1_000, REASON)]
    assert len(await audited(troubles.shop.database, f"order:{purchase.data.order_id}")) == 1


async def test_a_refund_that_cannot_be_changes_nothing(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.paid()
    for fields, said in (
        ({"amount": "54.91"}, "more than is left"),
        ({"amount": "0"}, "Write the amount"),
        ({"amount": "-5"}, "Write the amount"),
        ({"amount": "1,000.00"}, "more than is left"),
        ({"amount": "1,234"}, "Write the amount"),
        ({"reason": ""}, "Say why"),
    ):
        assert said in await asks_for(ada, purchase, **fields)

    assert await refunds_of(troubles, purchase) == []
    assert await troubles.shop.database.read(audit.recent) == []


async def test_cash_that_was_collected_pays_for_the_order(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.promised()
    page = await ada.get(page_of(purchase))
    assert "Cash at the door" in page
    assert 'value="54.90"' in page

    form = {"key": form_key(page), "amount": "54.90", "reason": "the courier's list of today"}
    for _ in range(2):
        where = await ada.post(f"{page_of(purchase)}/cash/collected", **form)
    await troubles.shop.settles()
    page = await ada.get(where)
    assert "The cash is in the books." in page
    assert "Cash at the door" not in page
    assert (await troubles.shop.order(purchase)).status == "paid"
    assert await audited(troubles.shop.database, f"order:{purchase.data.order_id}") == [
        ("order.collected", "Ada", "the courier's list of today")
    ]

    await asks_for(ada, purchase, amount="54.90")
    await troubles.shop.settles()
    page = await ada.get(page_of(purchase))
    assert "Cash to give back: €54.90" in page
    refund = page.partition('name="refund" value="')[2].partition('"')[0]
    await ada.post(f"{page_of(purchase)}/cash/returned", refund=refund, reason=REASON)
    await troubles.shop.settles()
    assert (await troubles.shop.order(purchase)).status == "refunded"


async def test_a_parcel_refused_at_the_door_puts_its_pieces_back(
    troubles: Troubles, ada: Browser
) -> None:
    purchase = await troubles.promised()
    key = form_key(await ada.get(page_of(purchase)))
    assert await troubles.shop.stock() == (10, 0, 2)
    await ada.post(f"{page_of(purchase)}/cash/not-collected", key=key, reason=REASON)
    await troubles.shop.settles()

    assert (await troubles.shop.order(purchase)).status == "cancelled"
    assert await troubles.shop.stock() == (10, 0, 0)


async def test_nothing_is_told_at_the_desk_of_what_was_paid_elsewhere(
    troubles: Troubles, ada: Browser
) -> None:
    purchase = await troubles.paid()
    for deed in ("collected", "not-collected", "returned", "not-returned"):
        form = {"amount": "54.90", "reason": REASON, "refund": "x"}
        where = await ada.post(f"{page_of(purchase)}/cash/{deed}", **form)
        assert "nothing to give back" in await ada.get(where)
    assert await troubles.shop.database.read(audit.recent) == []


async def test_books_that_differ_are_told_in_words_and_closed(
    troubles: Troubles, ada: Browser
) -> None:
    purchase = await troubles.differing_books()
    page = await ada.get(f"{HERE}/books")
    assert "2 open" in page
    for words in ("54.89", "54.90", purchase.data.order_id, "It is on our account", "po_1"):
        assert words in page
    assert tiles(await ada.get(HERE)) == {"Books that differ": 2}

    confirm = re.search(r'formaction="([^"]+/confirm)"', page)
    resolve = re.findall(r'formaction="([^"]+)/resolve"', page)
    assert confirm
    await ada.post(confirm[1], reason=REASON)
    await ada.post(f"{next(p for p in resolve if p not in confirm[1])}/resolve", reason=REASON)
    page = await ada.get(f"{HERE}/books")
    assert "Both sides agree" in page
    assert "€14.90" in page  # what they owe us, after the payout
    actions = {entry.action for entry in await troubles.shop.database.read(audit.recent)}
    assert actions == {"reconciliation.confirm_payout", "reconciliation.resolve"}


async def test_nothing_is_given_back_for_an_unpaid_order(troubles: Troubles, ada: Browser) -> None:
    purchase = await troubles.shop.buys()
    await troubles.shop.settles()
    assert "Give money back" not in await ada.get(page_of(purchase))

    where = await ada.post(f"{page_of(purchase)}/refund", amount="1.00", reason=REASON)
    assert "nothing to give back" in await ada.get(where)
    assert await refunds_of(troubles, purchase) == []


async def test_a_leader_gives_nothing_back(troubles: Troubles, open_browser: Opens) -> None:
    purchase = await troubles.paid()
    mara = await open_browser("mara")

    await mara.post(f"{page_of(purchase)}/refund", 403, amount="1.00", reason=REASON)
    assert await refunds_of(troubles, purchase) == []


def test_amounts_are_read_in_the_units_of_their_currency() -> None:
    read = [
        ("12.50", "EUR", 1_250), ("12,5", "EUR", 1_250), ("1,250.5", "EUR", 125_050),
        (" 7 ", "EUR", 700),
        ("500", "JPY", 500), ("0.01", "EUR", 1), ("1.250", "KWD", 1_250), ("20", "XTR", 20),
        ("١٢", "EUR", 1_200),
    ]  # fmt: skip
    for text, currency, minor in read:
        assert forms.amount(text, currency) == minor, text
    refused = [
        ("", "EUR"), ("0.00", "EUR"), ("1.234", "EUR"), ("1.5", "JPY"), ("1e3", "EUR"),
        ("+5", "EUR"), ("1 000", "EUR"), ("12.", "EUR"), (".5", "EUR"), ("9" * 20, "EUR"),
        ("1,234", "EUR"), ("12.5.0", "EUR"), ("nan", "EUR"),
    ]  # fmt: skip
    for text, currency in refused:
        with pytest.raises(NoSuchAmount):
            forms.amount(text, currency)


def test_only_facts_of_ours_are_shown() -> None:
    facts = {
        "order_id": "0197", "total_minor": 4_900, "late": True, "reason": "late", "gone": None,
        "conversation_id": "whatsapp:platform:+34600111222", "name": "María", "street": "Mayor 1",
        "address": {"city": "Madrid"}, "lines": ["a", "b"], "text": "", "title": "x" * 300,
        "status_id": "y" * 300,
    }  # fmt: skip

    assert trimming.shown(facts) == {
        "order_id": "0197", "total_minor": "4900", "late": "yes", "reason": "late",
        "gone": "none", "conversation_id": "whatsapp:platform:…22",
        "name": "(5 characters, hidden)", "street": "(7 characters, hidden)",
        "address": "(1 facts, hidden)", "lines": "(2 entries, hidden)",
        "text": "(0 characters, hidden)", "title": "(300 characters, hidden)",
        "status_id": "y" * 120,
    }  # fmt: skip
