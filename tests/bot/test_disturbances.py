"""Whatever a fan or the world does at whatever moment: a sensible answer, and nothing is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.intents import (
    CancelCheckout,
    FindOrders,
    Look,
    OrderLine,
    Refused,
    Release,
    Remember,
    Spot,
)
from bot.messages import Kind, Priority
from bot.model import Place
from tests.bot.fans import HOME, Fan, Shop, an_offer, at, link_comes, money_comes

PLACES = (
    "browse", "size", "fewer", "turn", "known", "country", "name", "street", "city", "postcode",
    "summary", "preparing", "paying",
)  # fmt: skip
BUYING = PLACES[1:]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("word", ["help", "/help", "Ayuda?"])
def test_help_anywhere_explains_and_asks_again(place, word):
    fan = at(place)
    question = fan.writes("thanks").removeprefix("You are welcome.")

    said = fan.writes(word)

    assert said.startswith("I sell what the stream shows")
    assert said.endswith(question)
    assert (fan.state.place, fan.asked) == (place, [])
    assert fan.labels[-1] == "Español"


@pytest.mark.parametrize("place", PLACES)
def test_the_language_changes_anywhere_and_the_question_with_it(place):
    fan = at(place)

    assert fan.writes("español").startswith("A partir de ahora, en español.")
    assert fan.asked == [Remember("es")]
    assert (fan.state.place, fan.state.language) == (place, "es")
    fan.writes("idioma")
    assert fan.labels == ["English", "Español"]
    assert fan.presses("English").startswith("From now on in English.")
    assert fan.asked == [Remember("en")]


@pytest.mark.parametrize("place", PLACES)
def test_status_anywhere_lists_the_orders_and_asks_again(place):
    fan = at(place)
    fan.shop.orders = (
        OrderLine("K7MX03", "Hoodie", "paid", 5000, "EUR"),
        OrderLine("AAAAAA", "Mug", "somehow", 1200, "EUR"),
    )

    said = fan.writes("my orders")

    assert said.startswith(
        "Your orders:\nK7MX03: Hoodie, €50.00, paid\nAAAAAA: Mug, €12.00, somehow\n\n"
    )
    assert (fan.state.place, fan.asked) == (place, [FindOrders()])


@pytest.mark.parametrize("place", BUYING)
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Kind.MEDIA, {"text": "sticker"}),
        (Kind.LOCATION, {"facts": {"latitude": 1.0, "longitude": 2.0}}),
        (Kind.TEXT, {"text": ""}),
        (Kind.TEXT, {"text": " \x00\u200b\ud800 "}),
        (Kind.TEXT, {"text": "🔥" * 5000}),
        (Kind.CHOICE, {"choice": ""}),
        (Kind.CHOICE, {"choice": "::::"}),
        (Kind.CHOICE, {"choice": "1:size:99"}),
        (Kind.CHOICE, {"choice": "1:any:fly"}),
        (Kind.START, {"text": "friday"}),
    ],
)
def test_anything_else_is_answered_and_the_question_asked_again(place, kind, given):
    fan = at(place)

    fan.shares(kind, **given)

    looks = kind is Kind.START and place in ("size", "fewer", "turn")
    priced_anew = kind is Kind.LOCATION and place == "summary"
    assert (fan.state.place, fan.kinds) == (
        "size" if looks else place, ["Look"] if looks else ["Quote"] if priced_anew else [],
    )  # fmt: skip
    assert len(fan.replies) == 1


@pytest.mark.parametrize("kind", [Kind.MEDIA, Kind.LOCATION, Kind.TEXT])
def test_whatever_comes_first_shows_what_is_on(kind):
    fan = Fan()

    fan.shares(kind)

    assert (fan.state.place, fan.kinds) == (Place.SIZE, ["Look"])


def test_a_location_is_thanked_for_and_the_address_still_asked():
    fan = at("street")

    said = fan.shares(Kind.LOCATION, facts={"latitude": 41.40338, "longitude": -2.17403})

    assert said.startswith("Thank you for the location:")
    assert said.endswith("A flat or floor can go on a second line.")
    assert fan.state.spot == Spot(41_403_380, -2_174_030)
    fan.writes("12 Main St")
    fan.writes("Springfield")
    fan.writes("62701")
    assert fan.asked[0].spot == Spot(41_403_380, -2_174_030)


@pytest.mark.parametrize("place", PLACES)
def test_a_card_number_is_never_used_and_the_fan_is_told(place):
    fan = at(place)
    before = fan.state

    said = fan.writes("[card number removed]", card_masked=True)

    assert said.startswith("Please never send a card number")
    assert (fan.state, fan.asked) == (replace(before, language="en"), [])


def test_what_a_fan_writes_is_only_ever_a_value():
    fan = at("name")
    fan.writes("{leader} {0} %s Ann")
    fan.writes("{title} Road")
    fan.writes("{x}")

    assert "{leader} {0} %s Ann, {title} Road, {x}, IL 62701" in fan.writes("62701")


@pytest.mark.parametrize("place", ["size", "fewer", "turn", "known", "country", "summary"])
def test_a_button_pressed_twice_counts_once(place):
    fan = at(place)
    fan.writes("thanks")
    pressed = fan.replies[-1].choices[0].id

    fan.presses_id(pressed)
    after = fan.state
    said = fan.presses_id(pressed)

    assert said.startswith("That button belongs to an earlier step.")
    assert (fan.state, fan.asked) == (after, [])


def test_agreeing_twice_opens_one_checkout():
    fan = at("summary")
    button = fan.button("I agree and pay")

    fan.presses_id(button)
    fan.presses_id(button)

    assert fan.asked == []
    assert [type(i).__name__ for i in fan.everything].count("CheckOut") == 1


def test_the_agreement_to_an_earlier_total_is_none():
    fan = at("summary")
    earlier = fan.button("I agree and pay")
    fan.writes("back")
    fan.writes("10001")

    assert fan.presses_id(earlier).startswith("That button belongs to an earlier step.")
    assert (fan.state.place, fan.asked) == (Place.SUMMARY, [])


def test_a_cancel_button_of_an_earlier_purchase_cancels_nothing():
    fan = at("summary")
    earlier = fan.button("Cancel")
    fan.presses_id(earlier)
    fan.writes("hi")
    fan.writes("M")

    fan.presses_id(earlier)

    assert (fan.state.place, fan.asked) == (Place.COUNTRY, [])


def test_a_size_of_an_earlier_product_is_not_bought_of_the_next():
    fan = at("size")
    earlier = fan.button("M")
    fan.shop.offer = an_offer(
        product_id="p-2", title="Cap",
        options=tuple(replace(o, sku=f"cap-{o.label}") for o in an_offer().options),
    )  # fmt: skip
    fan.writes("menu")

    assert fan.presses_id(earlier).startswith("That button belongs to an earlier step.\n\nCap")
    assert fan.asked == []


def test_an_old_button_after_everything_shows_what_is_on():
    fan = at("size")
    earlier = fan.button("M")
    fan.writes("cancel")

    fan.presses_id(earlier)

    assert fan.asked == [Look("friday")]


def test_the_link_of_another_stream_lets_go_of_the_goods_and_looks_there():
    fan = at("city")

    fan.enters("saturday")

    assert fan.asked == [Release("hold-1"), Look("saturday")]
    assert fan.state.place is Place.SIZE


def test_the_same_link_again_keeps_the_goods():
    assert at("city").enters("friday").startswith("You have 1 x Hoodie (M) on hold.")


def test_an_order_to_be_paid_stays_open_beside_the_next_purchase():
    fan = at("paying")
    first = fan.state.checkout

    said = fan.writes("menu")
    assert said.startswith("Order K7MX03 is still open: its pay link stays valid.\n---\nHoodie")
    fan.writes("L")
    receipt = money_comes(fan, checkout_id=first.checkout_id)

    assert receipt.startswith("Paid, thank you.")
    assert (fan.state.place, fan.state.checkout) == (Place.COUNTRY, None)
    assert fan.state.hold.sku == "hoodie-L"


def test_cancel_ends_what_was_begun_last():
    fan = at("paying")
    fan.writes("menu")
    fan.writes("L")

    fan.writes("cancel")
    assert fan.asked == [Release("hold-4")]
    fan.writes("cancel")

    assert fan.asked == [CancelCheckout("checkout-3")]
    assert fan.state.checkout is None


def test_late_news_of_another_order_does_not_disturb():
    fan = at("street")
    before = fan.state
    other = {"checkout_id": "checkout-0", "order_code": "ZZZZZZ"}

    assert fan.hears("payment_ready", **other, url="https://pay.test/0").startswith("Here is")
    assert fan.hears("payment_declined", **other).startswith("The payment for order ZZZZZZ")
    assert fan.hears("checkout_expired", **other, reason="time").startswith("The time to pay")
    assert money_comes(fan, **other).startswith("Paid, thank you.")
    assert fan.hears(
        "order_refunded", order_code="ZZZZZZ", total_minor=900, currency="EUR"
    ).startswith("Order ZZZZZZ: €9.00 is on its way back to you.")

    told = ("checkout-0", "paid:checkout-0")
    assert fan.state == replace(before, told=told)


@pytest.mark.parametrize("event", ["checkout_expired", "order_cancelled"])
def test_the_end_of_an_order_is_told_once(event):
    fan = at("paying")
    facts = {"checkout_id": fan.state.checkout.checkout_id, "order_code": "K7MX03"}

    assert fan.hears(event, **facts).endswith("Shall I show you what is on sale now?")
    assert fan.state.place is Place.BROWSE
    assert fan.hears(event, **facts) == ""
    assert link_again(fan, **facts) == ""


def link_again(fan: Fan, **facts: str) -> str:
    return fan.hears("payment_ready", **facts, url="https://pay.test/late")


def test_an_order_the_fan_cancelled_is_not_told_again():
    fan = at("paying")
    checkout_id = fan.state.checkout.checkout_id
    fan.writes("cancel")

    assert fan.hears("order_cancelled", checkout_id=checkout_id, order_code="K7MX03") == ""


def test_a_receipt_is_given_once_even_after_the_end_was_told():
    fan = at("paying")
    checkout_id = fan.state.checkout.checkout_id
    fan.hears("checkout_expired", checkout_id=checkout_id, order_code="K7MX03", reason="time")

    assert money_comes(fan, checkout_id=checkout_id).startswith("Paid, thank you.")
    assert money_comes(fan, checkout_id=checkout_id) == ""


def test_a_declined_payment_can_be_tried_again():
    fan = at("paying")
    checkout_id = fan.state.checkout.checkout_id

    fan.hears("payment_declined", checkout_id=checkout_id, order_code="K7MX03")

    (reply,) = fan.replies
    assert (reply.link.url, reply.priority) == ("https://pay.test/t", Priority.PAYMENT)
    assert fan.state.place is Place.PAYING


def test_the_link_finds_a_fan_who_went_on_meanwhile():
    fan = at("preparing")
    fan.writes("menu")

    assert link_comes(fan).startswith("Here is the pay link")
    assert (fan.state.place, fan.state.checkout.url) == (Place.SIZE, "https://pay.test/t")


def test_the_end_of_a_hold_is_told_and_what_was_typed_is_kept():
    fan = at("city")
    before = fan.state

    said = fan.hears("hold_expired", hold_id="hold-1", sku="hoodie-M", quantity=1)
    assert said.startswith("The time for 1 x Hoodie (M) is over")
    assert said.endswith("Which town or city?")
    assert fan.hears("hold_expired", hold_id="hold-0", sku="hoodie-M", quantity=1) == ""

    assert fan.state == before


def test_an_event_without_words_is_silent():
    fan = at("city")

    assert fan.hears("parcel_sent", order_code="K7MX03") == ""
    assert fan.state.place is Place.CITY


@pytest.mark.parametrize("place", BUYING)
@pytest.mark.parametrize(
    "code",
    [
        "out_of_stock", "hold_expired", "nothing_pinned", "unknown_session", "quote_expired",
        "order_already_paid", "checkout_closed", "no_delivery", "no_rate", "key_reused",
        "not_for_sale", "no_such_quote", "sku_suspended", "turn_lapsed", "session_ended",
    ],
)  # fmt: skip
def test_every_refusal_of_every_intent_is_answered(place, code):
    fan = at(place)
    fan.shop.no = dict.fromkeys(fan.shop._yes, None) | {
        kind: [Refused(code, {"available": 0, "country": "US"})] for kind in fan.shop._yes
    }
    words = {
        "size": "M",
        "fewer": "2",
        "turn": "yes",
        "known": "yes",
        "postcode": "62701",
        "summary": "I agree",
    }

    fan.writes(words.get(place, "cancel" if place in ("preparing", "paying") else "status"))

    assert len(fan.replies) >= 1
    assert not {"{", "}"} & set("".join(reply.text for reply in fan.replies))


def test_a_returning_fan_with_thanks_gets_a_welcome():
    fan = Fan(shop=Shop(known=HOME))

    assert fan.writes("gracias").startswith("You are welcome.")
    assert fan.asked == []
