"""A fan asks whether there is this or that: first of what is shown, then in the shop."""

from __future__ import annotations

import pytest

import live
from bot import finding, intents
from bot.finding_door import own_and_others
from bot.intents import Find, Good, Option
from bot.model import Place
from tests.bot.fans import Fan, an_offer
from tests.catalog.shelves import open_shop, thing

BLUES = an_offer(
    options=(
        Option("red-m", "Red / M", 4500, 4),
        Option("blue-m", "Blue / M", 4500, 3),
        Option("blue-l", "Blue / L", 4500, 0),
    )
)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Do you have this in blue?", "blue"),
        ("do you have the hoodie in medium", "hoodie m"),
        ("¿Lo tienen en azul?", "azul"),
        ("¿Tenéis la sudadera en talla grande?", "sudadera l"),
        ("hay rojas?", "rojas"),
        ("Is there a blue one left?", "blue"),
        ("¿y en azul?", "azul"),
        ("in blue?", "blue"),
        ("in blue", ""),  # an answer, not a question
        ("does it come in red", "red"),
        ("busco zapatos", "zapatos"),
        ("M please", ""),
        ("2 x Blue / M", ""),
        ("yes", ""),
        ("do you have it?", ""),  # it is shown already
    ],
)
def test_what_is_asked_for_is_understood(text, wish):
    assert finding.asked(text) == wish


def test_what_is_shown_comes_first_with_a_button_for_each_that_is_left():
    fan = Fan()
    fan.shop.offer = BLUES
    fan.shop.fitting = ("blue-m", "blue-l")
    fan.writes("hi")

    fan.writes("do you have this in blue?")

    (reply,) = fan.replies
    assert fan.asked == [Find("blue", "friday")]
    assert reply.text.startswith("Yes, of Hoodie there is: Blue / M (only 3 left).")
    assert [choice.label for choice in reply.choices] == ["Blue / M"]
    fan.presses("Blue / M")
    assert fan.asked[0] == intents.Hold("blue-m", 1, "s-1", currency="EUR")


def test_what_is_asked_for_and_gone_can_be_waited_for():
    fan = Fan(language="es")
    fan.shop.offer = BLUES
    fan.shop.fitting = ("blue-l",)
    fan.writes("hola")

    fan.writes("¿lo tienen en azul, talla L?")

    (reply,) = fan.replies
    assert "Blue / L" in reply.text
    assert [choice.label for choice in reply.choices][-1] == "Avísame"
    fan.presses("Avísame")
    assert fan.asked == [intents.Join("blue-l", 1, "s-1")]


def test_what_only_the_shop_has_is_told_with_its_address():
    fan = Fan()
    fan.shop.others = (Good("Blue cap", 1500, "EUR", True, "https://till.example/shop/cap"),)
    fan.writes("hi")

    fan.writes("do you have it in blue?")

    (reply,) = fan.replies
    assert "Not of Hoodie" in reply.text
    assert "Blue cap, from €15.00: https://till.example/shop/cap" in reply.text
    assert fan.state.place is Place.SIZE
    fan.shop.offer, fan.shop.others = None, ()
    fan.writes("do you have a xyzzy?")
    assert "I found nothing for “xyzzy”." in fan.replies[0].text


async def test_the_door_looks_at_the_offer_at_its_leader_and_in_the_shop(database, clock):
    hoodie = thing("hoodie", "Cosy Hoodie", "Blue,Red")
    await open_shop(database, hoodie, thing("cap", "Green cap", "Green"), thing("mug", "Mug"))

    async def shown(tx):
        session = await live.start_session(
            tx, leader_id="mara", leader_name="Mara", title="Drop", stream="/still.png"
        )
        await live.pin(tx, session.id, "hoodie", None, leader_id="mara")

    await database.unit_of_work(shown)
    (session,) = await database.read(live.live_sessions)
    offer = await database.read(lambda tx: live.current_offer(tx, session.id))

    async def asks(text):
        return await database.read(
            lambda tx: own_and_others(tx, Find(text), offer, "https://till.example")
        )

    cap = Good("Green cap", 2500, "EUR", False, "https://till.example/shop/cap")
    assert await asks("azul") == (("HOODIE-BLUE",), ())
    assert await asks("hoodie") == (("HOODIE-BLUE", "HOODIE-RED"), ())
    assert await asks("hodie azul") == (("HOODIE-BLUE",), ())
    assert await asks("verde") == ((), (cap,))
    assert await asks("purple") == ((), ())
