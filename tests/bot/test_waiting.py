"""Too few, none at all, and the waitlist, told message by message."""

from __future__ import annotations

import pytest

from bot.intents import (
    FindPlaces,
    Hold,
    Join,
    KnownAddress,
    Leave,
    Look,
    Option,
    Quote,
    Refused,
    Release,
    TakeUp,
    WaitPlace,
)
from bot.messages import Kind, Priority
from bot.model import Place
from commerce.kernel.clock import MINUTE
from tests.bot.fans import (
    HOME,
    NOON,
    Fan,
    Shop,
    a_single,
    an_offer,
    at,
    link_comes,
    money_comes,
    turn_comes,
)

TURN = "One is free and held for you until 12:10 UTC: 1 x Hoodie (M)."
JOINED = "You are number 1 on the waitlist for Hoodie (M)."


def loses(fan: Fan, text: str = "M", code: str = "out_of_stock", **facts: int) -> str:
    fan.shop.no[Hold] = [Refused(code, {"available": 0, "asked": 1, **facts})]
    return fan.writes(text)


# Fewer than asked for


def test_a_fan_who_asks_for_five_when_three_are_left_hears_exactly_that():
    fan = at("size")

    said = loses(fan, "5 x M", available=3, asked=5)

    assert said == ("3 of 5 left: Hoodie (M). Nothing is held yet. How many shall I hold for you?")
    assert (fan.kinds, fan.labels) == (["Hold"], ["Take 1", "Take 2", "Take 3"])
    assert fan.state.hold is None


@pytest.mark.parametrize(
    ("written", "quantity"),
    [
        ("3", 3), ("2", 2), ("one", 1), ("take two please", 2), ("yes", 3), ("ok", 3), ("4", 4),
        ("Take 3", 3), ("dos", 2),
    ],
)  # fmt: skip
def test_a_number_is_how_many_and_a_yes_is_all_of_them(written, quantity):
    fan = at("fewer")

    fan.writes(written)

    assert fan.asked == [Hold("hoodie-M", quantity, "s-1", currency="EUR"), KnownAddress()]
    assert fan.state.hold.quantity == quantity
    assert fan.state.wanted is None


def test_what_is_left_is_taken_with_one_press():
    fan = at("fewer")

    assert fan.presses("Take 3").startswith("3 x Hoodie (M) is held for you")


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("0", "That would be none at all."), ("9", "I can hold at most 5 per order."),
        ("blue", "I did not find that one."), ("waitlist", "You are on no waitlist."),
    ],
)  # fmt: skip
def test_anything_else_brings_the_same_question(written, answer):
    fan = at("fewer")

    said = fan.writes(written)

    assert said.startswith(answer)
    assert "3 of 5 left" in said
    assert fan.state.place is Place.FEWER


def test_another_size_may_be_had_instead():
    fan = at("fewer")

    fan.writes("2 x L")

    assert fan.asked[0] == Hold("hoodie-L", 2, "s-1", currency="EUR")


def test_fewer_again_is_told_exactly_again():
    fan = at("fewer")

    assert loses(fan, "3", available=1, asked=3).startswith("1 of 3 left: Hoodie (M).")
    assert fan.labels == ["Take 1"]
    assert loses(fan, "1").startswith("I am sorry, Hoodie (M) was sold out a moment ago.")


def test_goods_that_ran_out_and_are_fewer_now_are_asked_for_anew():
    fan = at("size")
    fan.writes("3 x M")
    for text in ("US", "Ann Lee", "12 Main St", "Springfield", "62701"):
        fan.writes(text)
    fan.shop.no[Quote] = [Refused("hold_expired")]
    fan.writes("back")
    fan.shop.no[Hold] = [Refused("out_of_stock", {"available": 2, "asked": 3})]

    assert fan.writes("62701").startswith("2 of 3 left: Hoodie (M).")
    assert (fan.state.hold, fan.state.renewing) == (None, False)


# None at all


def test_a_loser_hears_so_at_once_and_what_else_there_is():
    fan = at("size")

    said = loses(fan)

    assert said == (
        "I am sorry, Hoodie (M) was sold out a moment ago.\n\n"
        "These are left: S, L. Tap one, or shall I tell you when Hoodie (M) is free again?"
    )
    assert (fan.kinds, fan.labels) == (["Hold", "Look"], ["S", "L", "Tell me when free"])
    assert len(fan.replies) == 1


def test_a_loser_takes_another_size_with_one_press():
    fan = at("size")
    loses(fan)

    fan.presses("L")

    assert fan.asked[0] == Hold("hoodie-L", 1, "s-1", currency="EUR")


def test_a_number_of_the_list_means_the_waitlist_too():
    fan = at("size")
    loses(fan, "2 x M", asked=2)

    fan.writes("3")

    assert fan.asked == [Join("hoodie-M", 2, "s-1")]


@pytest.mark.parametrize("how", ["Tell me when free", "waitlist", "WAITING LIST!"])
def test_a_loser_joins_the_waitlist(how):
    fan = at("size")
    loses(fan)

    said = fan.writes(how)

    assert said.startswith(JOINED)
    assert fan.asked == [Join("hoodie-M", 1, "s-1")]
    assert fan.labels == ["S", "M", "L"]
    assert (fan.state.place, fan.state.wanted) == (Place.SIZE, None)


def test_the_next_look_is_a_plain_one():
    fan = at("size")
    loses(fan)

    assert fan.writes("menu").startswith("Hoodie, shown live by Mia")
    assert fan.labels == ["S", "M", "L"]


def test_the_only_thing_there_is_can_be_waited_for():
    fan = Fan(shop=Shop(offer=a_single()))
    fan.enters()
    fan.shop.offer = a_single(left=0)

    said = loses(fan, "yes")

    assert said == (
        "I am sorry, Mug was sold out a moment ago.\n\nShall I tell you when Mug is free again?"
    )
    assert fan.labels == ["Tell me when free"]
    fan.presses("Tell me when free")
    assert fan.asked == [Join("mug", 1, "s-1")]
    assert fan.labels == ["See what is on"]


def test_where_all_is_gone_the_offer_itself_leads_to_the_waitlist():
    gone = tuple(Option(f"hoodie-{size}", size, 4500, 0) for size in ("S", "M"))
    fan = Fan(shop=Shop(offer=an_offer(options=gone)))

    assert "Tap the one you would like, and I will tell you" in fan.enters()
    assert fan.labels == ["S", "M", "See what is on"]
    fan.presses("M")

    assert fan.asked == [Join("hoodie-M", 1, "s-1")]
    assert fan.replies[0].text.startswith(JOINED)
    assert (fan.state.place, fan.labels) == (Place.BROWSE, ["See what is on"])


def test_what_is_on_may_have_changed_meanwhile():
    fan = at("size")
    fan.shop.offer = an_offer(product_id="p-2", title="Cap", options=a_single().options)

    said = loses(fan)

    assert said.startswith("I am sorry, Hoodie (M) was sold out a moment ago.\n\nCap, shown live")
    assert (fan.labels, fan.state.wanted) == (["I'll take it"], None)


def test_nothing_may_be_on_meanwhile():
    fan = at("size")
    fan.shop.offer = None

    said = loses(fan)

    assert said.startswith(
        "I am sorry, Hoodie (M) was sold out a moment ago.\n\nNothing is on sale"
    )
    assert fan.labels == ["See what is on", "Tell me when free"]
    fan.presses("Tell me when free")
    assert fan.asked == [Join("hoodie-M", 1, "s-1")]


def test_what_is_being_counted_is_explained_kindly():
    fan = at("size")

    said = loses(fan, code="sku_suspended")

    assert said.startswith("I am sorry, Hoodie (M) cannot be sold for a moment")
    assert "You did nothing wrong." in said
    assert fan.labels == ["S", "L", "Tell me when free"]


@pytest.mark.parametrize("code", ["session_ended", "nothing_pinned"])
def test_nobody_waits_in_a_live_that_is_over(code):
    fan = at("size")
    loses(fan)
    fan.shop.no[Join] = [Refused(code)]

    said = fan.presses("Tell me when free")

    assert said.startswith("That live is over, so nobody waits there any more.")
    assert fan.labels == ["S", "M", "L"]


# The turn


def test_a_turn_is_told_and_leads_into_the_purchase_with_one_press():
    fan = at("browse", name="Ann Lee")

    assert turn_comes(fan) == f"{TURN} Shall we go on with it?"
    assert fan.labels == ["Buy it now", "No, thanks"]
    assert fan.replies[0].priority is Priority.PAYMENT
    fan.presses("Buy it now")

    assert fan.asked == [TakeUp("entry-1"), KnownAddress()]
    assert fan.replies[0].text.startswith("1 x Hoodie (M) is held for you for 10 minutes")
    assert (fan.state.place, fan.state.turns) == (Place.COUNTRY, ())
    for text in ("US", "Ann Lee", "12 Main St", "Springfield", "62701"):
        fan.writes(text)
    fan.presses("I agree and pay")
    assert fan.state.place is Place.PREPARING


def test_a_fan_with_a_known_address_is_two_presses_from_paying():
    fan = Fan(shop=Shop(known=HOME))
    turn_comes(fan)

    fan.writes("1")
    fan.presses("Send it there")

    assert fan.labels[0] == "I agree and pay"


@pytest.mark.parametrize("word", ["yes", "Buy it now", "ok", "sí", "waitlist"])
def test_a_turn_is_taken_by_word(word):
    fan = at("turn")

    fan.writes(word)

    assert fan.kinds == ([] if word == "waitlist" else ["TakeUp", "KnownAddress"])


@pytest.mark.parametrize("word", ["no", "No, thanks", "no gracias", "2", "cancel"])
def test_a_turn_is_declined_by_word(word):
    fan = at("turn")

    assert fan.writes(word).startswith("All right, you are off the waitlist.")
    assert fan.asked == [Leave("entry-1")]
    assert (fan.state.place, fan.state.turns) == (Place.BROWSE, ())


def test_fewer_than_wished_for_are_offered_as_such():
    fan = at("size")

    said = turn_comes(fan, quantity=2, asked=3)

    assert said == (
        "You asked for 3; that is what is free now.\n\n"
        "2 are free and held for you until 12:10 UTC: 2 x Hoodie (M). Shall we go on with them?"
    )


@pytest.mark.parametrize("place", ["known", "street", "summary", "preparing", "paying"])
def test_a_busy_fan_is_told_beside_what_they_are_at(place):
    fan = at(place)
    before = fan.state

    said = turn_comes(fan)

    assert said.startswith(f"{TURN} You can buy it right after this.\n\n")
    assert fan.labels[-1] == "Buy what is held"
    assert fan.replies[0].priority is Priority.PAYMENT
    assert (fan.state.place, fan.state.hold, fan.asked) == (before.place, before.hold, [])


def test_the_goods_in_hand_come_first():
    fan = at("street")
    turn_comes(fan)

    said = fan.presses("Buy what is held")

    assert said.startswith("You have 1 x Hoodie (M) on hold. Let us finish that first")
    assert fan.asked == []
    fan.writes("cancel")
    assert fan.replies[-1].text.endswith(f"{TURN} Shall we go on with it?")
    assert fan.asked == [Release("hold-1")]


def test_an_order_to_be_paid_stays_open_beside_the_turn():
    fan = at("paying")
    first = fan.state.checkout
    turn_comes(fan)

    said = fan.presses("Buy what is held")

    assert said.startswith(f"Order {first.order_code} is still open")
    assert fan.asked == [TakeUp("entry-1"), KnownAddress()]
    assert (fan.state.checkout, fan.state.place) == (first, Place.COUNTRY)


def test_a_turn_that_came_during_a_purchase_is_asked_about_after_it():
    fan = at("preparing")
    turn_comes(fan)
    link_comes(fan)

    said = money_comes(fan)

    assert said.endswith(f"{TURN} Shall we go on with it?")
    fan.presses("Buy it now")
    assert fan.asked[0] == TakeUp("entry-1")


def test_one_may_look_at_other_things_and_come_back():
    fan = at("turn")

    fan.writes("menu")
    assert fan.labels == ["S", "M", "L", "Buy what is held"]
    fan.writes("4")

    assert fan.asked[0] == TakeUp("entry-1")


def test_a_turn_let_go_by_is_told_and_one_may_wait_again():
    fan = at("turn")

    said = fan.hears("turn_lapses", entry_id="entry-1")

    assert said.startswith("The time for 1 x Hoodie (M) is over, so it goes to the next in line.")
    assert fan.labels == ["See what is on", "Tell me when free"]
    fan.presses("Tell me when free")
    assert fan.asked == [Join("hoodie-M", 1, "s-1")]
    assert fan.hears("turn_lapses", entry_id="entry-1") == ""


@pytest.mark.parametrize("place", ["size", "street", "paying"])
def test_a_turn_that_lapses_does_not_disturb(place):
    fan = at(place)
    turn_comes(fan)
    if place == "size":
        fan.writes("menu")
    before = fan.state

    assert fan.hears("turn_lapses", entry_id="entry-1").startswith("The time for")
    assert (fan.state.place, fan.state.hold, fan.state.turns) == (before.place, before.hold, ())


def test_a_press_that_came_too_late_hears_so():
    fan = at("turn")
    fan.shop.no[TakeUp] = [Refused("turn_lapsed")]

    said = fan.presses("Buy it now")

    assert said.startswith("The time for 1 x Hoodie (M) is over")
    assert (fan.state.place, fan.state.hold) == (Place.BROWSE, None)


def test_a_button_of_a_turn_that_is_over_is_stale():
    fan = at("street")
    turn_comes(fan)
    button = fan.button("Buy what is held")
    fan.hears("turn_lapses", entry_id="entry-1")

    assert fan.presses_id(button).startswith("That button belongs to an earlier step.")
    assert fan.asked == []


def test_the_same_turn_twice_is_told_once():
    fan = at("turn")

    assert turn_comes(fan) == ""
    assert len(fan.state.turns) == 1


def test_two_turns_are_taken_one_after_the_other():
    fan = at("turn")
    later = NOON + 12 * MINUTE
    said = turn_comes(fan, "entry-2", label="L", sku="hoodie-L", expires_at=later)
    assert "held for you until 12:12 UTC: 1 x Hoodie (L). You can buy it right after this" in said
    assert said.endswith(f"{TURN} Shall we go on with it?")

    fan.presses("Buy it now")
    assert fan.asked[0] == TakeUp("entry-1")
    assert [turn.entry_id for turn in fan.state.turns] == ["entry-2"]
    fan.writes("cancel")

    assert "held for you until 12:12 UTC: 1 x Hoodie (L)" in fan.replies[-1].text


# By word


def test_the_word_tells_where_one_waits():
    fan = at("street")
    fan.shop.places = (WaitPlace("Hoodie", "M", 3), WaitPlace("Mug", "", 0))

    said = fan.writes("lista de espera")

    assert said.startswith(
        "You are on the waitlist for:\nHoodie (M): number 3\nMug: held for you now\n\nWhat is the"
    )
    assert fan.asked == [FindPlaces()]


def test_the_word_joins_for_the_only_thing_that_is_sold_out():
    fan = at("size")

    fan.writes("waitlist")

    assert fan.asked == [Join("hoodie-XL", 1, "s-1")]


@pytest.mark.parametrize("word", ["leave", "Leave the waitlist", "salir"])
@pytest.mark.parametrize("place", ["browse", "size", "street", "turn", "paying"])
def test_one_leaves_by_word_wherever_one_is(place, word):
    fan = at(place)
    fan.shop.left = ("entry-1", "entry-2")
    before = fan.state.hold

    assert fan.writes(word).startswith("All right, you are off the waitlist.")
    assert fan.asked == [Leave()]
    assert (fan.state.turns, fan.state.hold) == ((), before)


def test_who_waits_nowhere_leaves_nothing():
    assert at("size").writes("leave").startswith("You are on no waitlist.")


def test_the_end_of_the_live_is_told_to_who_waits():
    fan = at("street")
    before = fan.state

    said = fan.hears("waitlist_closed", entry_id="entry-1", title="Hoodie", label="M")

    assert said.startswith("The live is over, and Hoodie (M) did not come free before its end.")
    assert fan.state == before


def test_who_blocks_us_holds_up_nobody():
    fan = at("turn")

    fan.shares(Kind.LEFT)

    assert (fan.asked, fan.replies) == ([Leave(quietly=True)], [])
    assert fan.state.turns == ()


def test_a_joined_fan_whose_turn_it_is_already_hears_that():
    fan = at("size")
    loses(fan)
    fan.shop.position = 0

    assert fan.presses("Tell me when free").startswith("One is free just now")


def test_it_is_all_said_in_spanish():
    fan = at("size", language="es")

    assert loses(fan, "5 x M", available=3).startswith("Quedan 3 de 5: Hoodie (M).")
    assert loses(fan, "3").startswith("Lo siento, Hoodie (M) se ha agotado hace un momento.")
    assert fan.labels == ["S", "L", "Avísame"]
    assert fan.writes("avísame").startswith("Tienes el número 1 en la lista de espera")
    assert turn_comes(fan).startswith("Ha quedado una unidad libre y te la reservo")
    fan.presses("Comprar ahora")
    assert fan.asked[0] == TakeUp("entry-1")


def test_a_lookup_that_nobody_answers_still_says_what_was_lost():
    fan = at("size")
    fan.shop.no[Look] = [Refused("unknown_session")]

    assert "I do not know that stream" in loses(fan)
    assert fan.labels == ["S", "L", "Tell me when free"]
