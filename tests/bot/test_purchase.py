"""A purchase by chat, told message by message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import questions
from bot.intents import CheckOut, Hold, Leave, Quote, Refused, Release
from bot.messages import Kind, Priority
from bot.model import Place, State
from commerce.kernel.clock import MINUTE, SECOND
from tests.bot.fans import HOME, NOON, TEXTS, Fan, Shop, a_single, at, link_comes, money_comes

ENGLISH = (  # what the fan writes, how our answer goes on, what is asked of the core
    ("hello", "Hoodie, shown live by Mia", ["Look"]),
    ("blue please", "I did not find that one.", []),
    ("9 x M", "I can hold at most 5 per order.", []),
    ("2 x M", "2 x Hoodie (M) is held for you for 10 minutes, until 12:10 UTC.",
     ["Hold", "KnownAddress"]),
    ("Narnia", "I do not know that country.", []),
    ("usa", "What is the full name", ["CheckDelivery"]),
    ("Ann Lee", "What is the street and house number?", []),
    ("12 Main St", "Which town or city?", []),
    ("Springfield", "What is the ZIP code? It looks like 95014.", []),
    ("nope", "That is not a ZIP code in United States.", []),
    ("62701", "Your order:\n2 x Hoodie (M): €45.00\nStandard delivery: €5.00\nTotal: €50.00\n"
     "To: Ann Lee, 12 Main St, Springfield, IL 62701, United States", ["Quote"]),
    ("sounds good", "Before I take an order I need your clear yes", []),
    ("I agree", "Thank you. Your order is K7MX03, and your pay link is being prepared.",
     ["CheckOut"]),
    ("and now?", "The pay link for order K7MX03 is being prepared.", []),
)  # fmt: skip
SPANISH = (
    ("hola", "Hoodie, en directo con Mia", ["Look"]),
    ("azul", "No he encontrado esa opción.", []),
    ("9 x M", "Puedo reservar como máximo 5 por pedido.", []),
    ("dos de la mediana", "Te reservo 2 x Hoodie (M) durante 10 minutos, hasta las 12:10 UTC.",
     ["Hold", "KnownAddress"]),
    ("Narnia", "No conozco ese país.", []),
    ("España", "¿Cuál es el nombre completo", ["CheckDelivery"]),
    ("Ana López", "¿Cuál es la calle y el número?", []),
    ("Calle Mayor 1", "¿Qué población o ciudad?", []),
    ("Madrid", "¿Cuál es el código postal? Es de la forma 28039.", []),
    ("no sé", "Ese no es un código postal de España.", []),
    ("28001", "Tu pedido:\n2 x Hoodie (M): 45,00\xa0€\nEnvío estándar: 5,00\xa0€\n"
     "Total: 50,00\xa0€\nPara: Ana López, Calle Mayor 1, 28001 Madrid, España", ["Quote"]),
    ("suena bien", "Antes de tomar un pedido necesito un sí claro", []),
    ("acepto", "Gracias. Tu pedido es K7MX03, y estoy preparando tu enlace de pago.",
     ["CheckOut"]),
    ("¿y ahora?", "Estoy preparando el enlace de pago del pedido K7MX03.", []),
)  # fmt: skip


@pytest.mark.parametrize(("language", "story"), [("en", ENGLISH), ("es-419", SPANISH)])
def test_a_whole_purchase_in_words(language, story):
    fan = Fan(language=language)

    for written, answer, asked in story:
        assert fan.writes(written).startswith(answer)
        assert fan.kinds == asked
        assert len(fan.replies) == 1


def test_a_whole_purchase_by_buttons():
    fan = Fan(name="Ann Lee")
    fan.enters("friday")
    assert fan.replies[0].image_url == "https://img.test/1.png"
    assert fan.labels == ["S", "M", "L"]  # XL is sold out

    fan.presses("M")
    fan.presses("United States")
    fan.presses("Ann Lee")
    fan.writes("12 Main St")
    fan.writes("Springfield")
    fan.writes("62701")
    assert fan.labels == ["I agree and pay", "Another address", "Cancel", "I have a code"]
    fan.presses("I agree and pay")

    assert fan.asked == [
        CheckOut(
            "hold-1", "quote-2", HOME, "en", TEXTS.render("consent.text", "en"),
            questions.CONSENT_VERSION,
        )
    ]  # fmt: skip
    assert (
        TEXTS.render("consent.text", "en")
        in questions.ask(at("summary").state, questions.Talk(TEXTS, NOON)).text
    )


def test_the_pay_link_comes_first_and_the_receipt_closes_the_purchase():
    fan = at("preparing")

    assert link_comes(fan) == (
        "Here is the pay link for order K7MX03.\nIt is open until 12:09 UTC."
    )
    (reply,) = fan.replies
    assert (reply.priority, reply.link.label) == (Priority.PAYMENT, "Pay €50.00")
    assert reply.link.url == "https://pay.test/t"
    assert fan.writes("ok") == "Order K7MX03 is waiting for your payment."
    assert fan.replies[0].link.url == "https://pay.test/t"

    assert money_comes(fan, label="M") == (
        "Paid, thank you. This is your receipt.\n\nOrder K7MX03\n1 x Hoodie (M)\nTotal: €50.00\n"
        "To: Ann Lee, 12 Main St, Springfield, IL 62701, United States\n\n"
        "Keep the code K7MX03; write “status” at any time to see how it stands."
    )
    assert fan.replies[0].priority is Priority.RECEIPT
    assert (fan.state.place, fan.state.checkout) == (Place.BROWSE, None)


def test_what_is_paid_at_the_door_is_confirmed_at_once_and_receipted_when_it_was_paid():
    fan = at("preparing")
    facts = {
        "checkout_id": fan.state.checkout.checkout_id, "order_code": "K7MX03",
        "total_minor": 5000, "currency": "EUR", "title": "Hoodie", "label": "M", "quantity": 1,
    }  # fmt: skip

    assert fan.hears("order_confirmed", **facts).startswith(
        "Your order is confirmed. You pay in cash when it arrives.\n\nOrder K7MX03\n1 x Hoodie (M)"
    )
    assert (fan.state.place, fan.state.checkout) == (Place.BROWSE, None)
    assert money_comes(fan, **facts).startswith("Paid, thank you. This is your receipt.")
    fan.hears("order_confirmed", **facts)
    assert fan.replies == []


def test_the_receipt_may_come_before_the_pay_link_which_is_then_not_given():
    fan = at("preparing")
    checkout = fan.state.checkout

    money_comes(fan)
    fan.hears(
        "payment_ready", checkout_id=checkout.checkout_id, order_code="K7MX03", url="https://late"
    )

    assert fan.replies == []


def test_the_address_of_the_order_itself_is_the_one_on_the_receipt():
    fan = at("paying")

    other = replace(HOME, name="Bo")
    assert "To: Bo, 12 Main St" in money_comes(fan, address=other.to_json())


def test_two_purchases_in_a_row_do_not_touch_each_other():
    fan = at("paying")
    first = fan.state.checkout
    old_size = None
    money_comes(fan, checkout_id=first.checkout_id)

    fan.shop.known = HOME
    fan.writes("hi again")
    old_size = fan.button("M")
    fan.writes("L")
    assert fan.labels == ["Send it there", "Another address"]
    fan.presses("Send it there")
    assert fan.asked == [Quote("hold-4", HOME, "en", currency="EUR")]
    fan.presses("I agree and pay")

    assert fan.state.checkout.checkout_id not in (first.checkout_id, "")
    assert "earlier step" in fan.presses_id(old_size)
    assert [type(i) for i in fan.everything].count(CheckOut) == 2


def test_a_single_product_is_taken_or_counted():
    fan = Fan(shop=Shop(offer=a_single()))

    fan.enters()
    assert fan.labels == ["I'll take it"]
    fan.writes("3")

    assert fan.asked[0] == Hold("mug", 3, "s-1", currency="EUR")
    assert fan.replies[0].text.startswith("3 x Mug is held for you")


def test_a_number_means_the_choices_last_offered():
    fan = at("size")

    fan.writes("2")

    assert fan.asked[0] == Hold("hoodie-M", 1, "s-1", currency="EUR")


def test_a_pasted_address_leaves_only_the_consent():
    fan = at("country")

    fan.writes("Ann Lee\n12 Main St\nSpringfield, IL 62701\nUSA")

    assert fan.asked == [Quote("hold-1", HOME, "en", currency="EUR")]


def test_a_known_address_that_no_longer_holds_is_asked_anew():
    fan = Fan(shop=Shop(known=replace(HOME, postcode="")))

    fan.writes("hi")
    fan.writes("M")

    assert fan.state.place is Place.COUNTRY


def test_a_city_of_another_region_is_asked_again():
    fan = at("country")
    for text in ("Brazil", "Ana", "Rua A 1", "Atlantis"):
        fan.writes(text)

    assert fan.writes("01310-100").startswith("I do not know that town in SP")
    assert (fan.state.place, fan.asked) == (Place.CITY, [])
    fan.writes("São Paulo")
    assert fan.kinds == ["Quote"]


def test_the_emirates_offer_their_regions_as_buttons():
    fan = at("country")
    fan.writes("uae")
    fan.writes("Ali")
    fan.writes("Road 7")

    assert "Dubai" in fan.labels
    fan.presses("Dubai")

    assert fan.state.address.region == "Dubai"
    assert fan.kinds == ["Quote"]


@pytest.mark.parametrize(
    ("place", "before"),
    [
        ("browse", Place.BROWSE), ("size", Place.SIZE), ("known", Place.SIZE),
        ("fewer", Place.SIZE), ("turn", Place.SIZE),
        ("country", Place.SIZE), ("name", Place.COUNTRY), ("street", Place.NAME),
        ("city", Place.STREET), ("postcode", Place.CITY), ("summary", Place.POSTCODE),
        ("preparing", Place.PREPARING), ("paying", Place.PAYING),
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["back", "/back", "Atrás"])
def test_back_goes_to_the_question_before(place, before, word):
    fan = at(place)
    held = fan.state.hold

    fan.writes(word)

    assert fan.state.place is before
    released = [Release(held.hold_id)] if held and before is Place.SIZE else []
    assert [intent for intent in fan.asked if isinstance(intent, Release)] == released
    assert len(fan.replies) == 1


def test_back_from_the_total_to_the_known_address_and_to_another():
    fan = at("known")
    fan.writes("yes")
    assert fan.state.place is Place.SUMMARY

    fan.writes("back")
    assert fan.state.place is Place.KNOWN
    fan.presses("Another address")
    assert fan.state.place is Place.COUNTRY
    fan.writes("back")

    assert fan.state.place is Place.KNOWN


def test_going_back_keeps_what_was_answered_elsewhere():
    fan = at("postcode")
    fan.writes("back")
    fan.writes("back")
    fan.writes("1 Elm St")
    fan.writes("Albany")
    fan.writes("12201")

    expected = replace(HOME, line1="1 Elm St", city="Albany", region="NY", postcode="12201")
    assert fan.asked == [Quote("hold-1", expected, "en", currency="EUR")]


@pytest.mark.parametrize(
    ("place", "asked", "answer"),
    [
        ("browse", [], "There is nothing to cancel."),
        ("size", [], "All right, nothing is held."),
        ("fewer", [], "All right, nothing is held."),
        ("turn", ["Leave"], "All right, you are off the waitlist."),
        *[
            (place, ["Release"], "Cancelled. Nothing is held and nothing was charged.")
            for place in ("known", "country", "name", "street", "city", "postcode", "summary")
        ],
        ("preparing", ["CancelCheckout"], "Order K7MX03 is cancelled."),
        ("paying", ["CancelCheckout"], "Order K7MX03 is cancelled."),
    ],
)
@pytest.mark.parametrize("word", ["cancel", "CANCELAR!"])
def test_cancel_ends_it_anywhere(place, asked, answer, word):
    fan = at(place)

    said = fan.writes(word)

    assert said.startswith(answer)
    assert fan.kinds == asked
    assert (fan.state.place, fan.state.hold, fan.state.checkout) == (Place.BROWSE, None, None)


def test_cancel_after_the_payment_explains():
    fan = at("paying")
    money_comes(fan)

    assert fan.writes("cancel").startswith("Order K7MX03 is already paid")
    assert fan.asked == []


def test_a_cancel_that_came_too_late_waits_for_the_receipt():
    fan = at("paying")
    fan.shop.stopped = False

    assert fan.writes("cancel").startswith("Order K7MX03 was paid in the meantime")
    assert fan.state.place is Place.PAYING
    assert money_comes(fan).startswith("Paid, thank you.")


@pytest.mark.parametrize("refused", [Quote, CheckOut])
def test_a_hold_that_ran_out_is_taken_again_and_the_consent_too(refused):
    fan = at("postcode") if refused is Quote else at("summary")
    fan.shop.no[refused] = [Refused("hold_expired")]

    said = fan.writes("62701" if refused is Quote else "I agree")

    assert said.startswith("Your time had run out, so I held it for you again, until 12:10 UTC.")
    assert fan.kinds == [refused.__name__, "Release", "Hold", "Quote"]
    assert (fan.state.place, fan.state.checkout) == (Place.SUMMARY, None)
    fan.writes("I agree")
    assert fan.kinds == ["CheckOut"]


def test_a_hold_that_ran_out_of_goods_sold_out_shows_the_offer():
    fan = at("summary")
    fan.shop.no[CheckOut] = [Refused("hold_expired")]
    fan.shop.no[Hold] = [Refused("out_of_stock", {"available": 0})]

    assert fan.writes("I agree").startswith("I am sorry, Hoodie (M) was sold out a moment ago.")
    assert (fan.state.place, fan.state.hold) == (Place.SIZE, None)


def test_a_price_worked_out_again_asks_for_consent_again():
    fan = at("summary")
    fan.shop.no[CheckOut] = [Refused("quote_expired")]
    before = fan.button("I agree and pay")

    assert fan.presses_id(before).startswith("The price had to be worked out again.")
    assert fan.kinds == ["CheckOut", "Quote"]
    assert "earlier step" in fan.presses_id(before)  # it agreed to the total of before
    assert fan.asked == []


def test_where_we_do_not_deliver_another_country_is_asked():
    fan = at("postcode")
    fan.shop.no[Quote] = [Refused("no_delivery", {"country": "US"})]

    assert fan.writes("62701").startswith("I am sorry, we do not deliver to United States yet.")
    assert (fan.state.place, fan.state.address.name) == (Place.COUNTRY, "Ann Lee")


def test_nothing_pinned_is_said_and_can_be_asked_again():
    fan = Fan(shop=Shop(offer=None))

    assert fan.writes("hi").startswith("Nothing is on sale at this moment.")
    assert fan.labels == ["See what is on"]


def test_an_unknown_stream_shows_what_is_on():
    fan = Fan()
    fan.shop.no[type(at("size").everything[0])] = [Refused("unknown_session")]

    assert fan.enters("nowhere").startswith("I do not know that stream")
    assert fan.kinds == ["Look", "Look"]
    assert fan.state.session == "friday"


def test_leaving_lets_go_of_what_is_held_without_a_word():
    fan = at("street")

    fan.shares(Kind.LEFT)

    assert (fan.asked, fan.replies) == ([Release("hold-1"), Leave(quietly=True)], [])
    assert fan.state.hold is None


def test_the_countdown_is_of_the_injected_time():
    assert "The offer ends in 12 minutes." in Fan().writes("hi")
    assert "The offer ends in 1 minute." in Fan(now=NOON + 11 * MINUTE).writes("hi")
    assert "less than a minute" in Fan(now=NOON + 11 * MINUTE + 2 * SECOND).writes("hi")
    assert "has just ended" in Fan(now=NOON + 12 * MINUTE).writes("hi")


def test_an_empty_state_is_a_new_conversation():
    assert State.from_json({}) == State()
    assert State.from_json({"version": 9, "place": "moon", "hats": 3}).place is Place.BROWSE
