import asyncio

import pytest

from commerce import catalog, pricing, suppliers
from commerce.catalog import Changes
from commerce.kernel.idempotency import KeyReused
from commerce.pricing import model
from commerce.pricing.tables import QUOTES
from tests.catalog.factories import a_draft, a_product, a_product_on_sale, a_variant
from tests.pricing.factories import a_quote


async def priced(database, **asked):
    return await database.unit_of_work(lambda tx: a_quote(tx, **asked))


async def quotes(database):
    return len(await database.read(lambda tx: tx.all(QUOTES.select())))


async def test_a_price_is_frozen_with_everything_it_was_made_from(database, clock):
    await database.unit_of_work(a_product_on_sale)

    made = await priced(database)

    assert await database.read(lambda tx: pricing.frozen(tx, made.id)) == made
    assert (made.total_minor, made.currency, made.basis.language) == (5_490, "EUR", "es")
    assert (made.items[0].title, made.items[0].option) == ("Linen shirt", "M")
    assert made.destination.postcode == "28013"
    assert made.expires_at == clock.now() + model.VALID_FOR


async def test_the_same_question_gets_the_same_answer_after_the_price_changed(database, clock):
    await database.unit_of_work(a_product_on_sale)
    before = await priced(database)
    dearer = Changes(variants=(a_variant(price_minor=9_900),))
    await database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "shirt", dearer, expected_version=2)
    )

    assert await priced(database) == before
    assert (await priced(database, key="message-2:quote")).items[0].unit_price_minor == 9_900


async def test_fifty_equal_questions_at_once_make_one_quote(database, clock):
    await database.unit_of_work(a_product_on_sale)

    answers = await asyncio.gather(*(priced(database) for _ in range(50)))

    assert len({answer.id for answer in answers}) == 1
    assert await quotes(database) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 3}, "items"),
        ({"sku": "shirt-l"}, "items"),
        ({"country": "DE"}, "destination"),
        ({"postcode": "28014"}, "destination"),
        ({"region": "Madrid"}, "destination"),
        ({"buying": pricing.Buying(coupon="HOLA")}, "buying"),
    ],
)
async def test_a_key_asked_again_otherwise_is_refused(database, clock, changes, field):
    await database.unit_of_work(a_product_on_sale)
    await priced(database)

    with pytest.raises(KeyReused) as refused:
        await priced(database, **changes)

    assert refused.value.facts["field"] == field
    assert await quotes(database) == 1


async def test_a_country_that_is_not_served_leaves_no_quote(database, clock):
    await database.unit_of_work(a_product_on_sale)

    with pytest.raises(pricing.NoDelivery):
        await priced(database, country="KP")

    assert await quotes(database) == 0


async def test_only_what_is_on_sale_has_a_price(database, clock):
    await database.unit_of_work(a_draft)

    for sku in ("shirt-m", "unknown"):
        with pytest.raises(pricing.NotForSale) as refused:
            await priced(database, sku=sku)
        assert refused.value.facts == {"sku": sku}


async def test_what_is_unlisted_is_still_sold_and_what_is_archived_is_not(database, clock):
    await database.unit_of_work(a_product_on_sale)
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "shirt"))
    assert await priced(database)

    await database.unit_of_work(lambda tx: catalog.archive(tx, "shirt"))

    with pytest.raises(pricing.NotForSale):
        await priced(database, key="message-2:quote")


async def test_nothing_of_a_suspended_supplier_is_sold(database, clock):
    await database.unit_of_work(a_product_on_sale)
    await database.unit_of_work(lambda tx: suppliers.move(tx, "sol", suppliers.Action.SUSPEND))

    with pytest.raises(pricing.NotForSale):
        await priced(database)


async def test_prices_are_in_the_products_currency(database, clock):
    yen = a_product(currency="JPY", variants=(a_variant(price_minor=3_800),))
    await database.unit_of_work(lambda tx: a_product_on_sale(tx, yen, country="JP"))

    made = await priced(database, country="JP")

    assert (made.total_minor, made.currency) == (8_200, "JPY")


async def test_an_expired_quote_can_be_finished_but_not_begun(database, clock):
    await database.unit_of_work(a_product_on_sale)
    made = await priced(database)
    clock.advance(model.VALID_FOR - 1)
    assert await database.read(lambda tx: pricing.valid(tx, made.id)) == made

    clock.advance(1)

    with pytest.raises(pricing.QuoteExpired):
        await database.read(lambda tx: pricing.valid(tx, made.id))
    assert await database.read(lambda tx: pricing.frozen(tx, made.id)) == made
    with pytest.raises(pricing.NoSuchQuote):
        await database.read(lambda tx: pricing.frozen(tx, "nothing"))
