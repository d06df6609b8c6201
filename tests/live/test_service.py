from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select

import live
from commerce import catalog
from commerce.kernel import clock as clocks
from commerce.kernel.tables import OUTBOX
from live.tables import PINS
from tests.live.factories import LEADER, a_product, a_session, pin, pinned_session

EVENTS = select(OUTBOX.c.name).order_by(OUTBOX.c.seq)


async def announced(database) -> list[str]:
    rows = await database.read(lambda tx: tx.all(EVENTS))
    names = [row["name"] for row in rows]
    return [name for name in names if name.startswith(("session.", "product.pin", "product.unpin"))]


async def test_a_session_goes_live_under_a_free_slug(database, clock):
    first = await a_session(database)
    second = await a_session(database)

    assert first.status is live.Status.LIVE
    assert first.started_at == clock.now()
    assert first.slug == "summer-drop"
    assert second.slug.startswith("summer-drop-")
    assert await database.read(lambda tx: live.find_session(tx, "summer-drop")) == first
    assert await announced(database) == ["session.started", "session.started"]


async def test_the_same_session_asked_for_twice_is_one(database, clock):
    first = await a_session(database, session_id="s-1")
    again = await a_session(database, session_id="s-1")

    assert again == first
    with pytest.raises(live.NotYourSession):
        await a_session(database, session_id="s-1", leader_id="somebody-else")
    assert await announced(database) == ["session.started"]


async def test_a_planned_session_is_not_shown_as_live(database, clock):
    planned = await database.unit_of_work(
        lambda tx: live.plan_session(
            tx, leader_id=LEADER, leader_name="Mara", title="Later", stream="kick.com/mara"
        )
    )

    assert await database.read(live.live_sessions) == []
    with pytest.raises(live.SessionNotLive):
        await pin(database, planned, await a_product(database))
    await database.unit_of_work(lambda tx: live.go_live(tx, planned.id, leader_id=LEADER))
    started = await database.read(lambda tx: live.session(tx, planned.id))
    assert await database.read(live.live_sessions) == [started]
    assert await database.read(lambda tx: live.sessions_of(tx, LEADER)) == [started]


async def test_what_is_pinned_is_the_offer(database, clock):
    session, product_id = await pinned_session(database)

    offer = await database.read(lambda tx: live.current_offer(tx, session.slug))

    assert offer == live.Offer(
        session_id=session.id,
        session_slug="summer-drop",
        session_title="Summer drop",
        leader_name="Mara",
        leader_id=LEADER,
        product_id=product_id,
        title="Linen dress",
        description="Light and cool.",
        image_url="/static/seed/dress.png",
        currency="EUR",
        ends_at=None,
        options=(
            live.Option("linen-dress-s", "S", 4900, 0, usual_minor=4900),
            live.Option("linen-dress-m", "M", 5900, 12, usual_minor=5900),
        ),
    )
    assert await database.read(lambda tx: live.current_offer(tx, session.id)) == offer
    assert await database.read(lambda tx: live.current_offer(tx, "no-such")) is None


async def test_an_offer_ends_at_its_time(database, clock):
    session = await a_session(database)
    product_id = await a_product(database)
    ends_at = clock.now() + 5 * clocks.MINUTE
    await pin(database, session, product_id, ends_at)

    clock.advance(5 * clocks.MINUTE - 1)
    before = await database.read(lambda tx: live.current_offer(tx, session.id))
    clock.advance(1)
    after = await database.read(lambda tx: live.current_offer(tx, session.id))
    shown = await database.read(lambda tx: live.pinned_offer(tx, session))

    assert before is not None
    assert before.ends_at == ends_at
    assert after is None
    assert shown == before


async def test_pinning_the_next_product_takes_the_last_one_down(database, clock):
    session, dress = await pinned_session(database)
    hat = await a_product(database, "Straw hat")
    clock.advance(clocks.MINUTE)

    second = await pin(database, session, hat)
    again = await pin(database, session, hat)

    timeline = await database.read(lambda tx: live.pins_of(tx, session.id))
    assert again == second
    assert [(p.product_id, p.pinned_at, p.unpinned_at) for p in timeline] == [
        (dress, clock.now() - clocks.MINUTE, clock.now()),
        (hat, clock.now(), None),
    ]
    assert await announced(database) == [
        "session.started",
        "product.pinned",
        "product.unpinned",
        "product.pinned",
    ]


async def test_of_twenty_pins_at_once_exactly_one_is_open(database, clock):
    session = await a_session(database)
    products = [await a_product(database, f"Thing {n}") for n in range(20)]

    done = await asyncio.gather(*(pin(database, session, product) for product in products))

    timeline = await database.read(lambda tx: live.pins_of(tx, session.id))
    still_open = [p.id for p in timeline if p.unpinned_at is None]
    now_pinned = await database.read(lambda tx: live.pinned(tx, session.id))
    assert {p.id for p in timeline} == {p.id for p in done}
    assert len(timeline) == 20
    assert still_open == [now_pinned.id]


async def test_the_database_itself_refuses_a_second_open_pin(database, clock):
    session, product_id = await pinned_session(database)
    statement = insert(PINS)

    with pytest.raises(Exception, match=r"pins_one_open|pins\.session_id"):
        await database.unit_of_work(
            lambda tx: tx.run(
                statement,
                id="second",
                session_id=session.id,
                product_id=product_id,
                pinned_at=clock.now(),
            )
        )


async def test_unpinning_leaves_the_room_bare(database, clock):
    session, _ = await pinned_session(database)

    await database.unit_of_work(lambda tx: live.unpin(tx, session.id, leader_id=LEADER))

    assert await database.read(lambda tx: live.current_offer(tx, session.id)) is None
    with pytest.raises(live.NothingPinned):
        await database.unit_of_work(lambda tx: live.unpin(tx, session.id, leader_id=LEADER))


async def test_nobody_else_touches_a_session(database, clock):
    session, product_id = await pinned_session(database)
    before = await database.read(lambda tx: live.pins_of(tx, session.id))

    for attempt in (
        lambda tx: live.pin(tx, session.id, product_id, leader_id="other"),
        lambda tx: live.unpin(tx, session.id, leader_id="other"),
        lambda tx: live.end_session(tx, session.id, leader_id="other"),
        lambda tx: live.go_live(tx, session.id, leader_id="other"),
    ):
        with pytest.raises(live.NotYourSession):
            await database.unit_of_work(attempt)
    assert await database.read(lambda tx: live.session(tx, session.id)) == session
    assert await database.read(lambda tx: live.pins_of(tx, session.id)) == before


async def test_only_what_is_for_sale_is_pinned_and_only_for_a_time_to_come(database, clock):
    session = await a_session(database)
    product_id = await a_product(database)

    with pytest.raises(live.OfferAlreadyOver):
        await pin(database, session, product_id, clock.now())
    with pytest.raises(catalog.NoSuchProduct):
        await pin(database, session, "no-such")
    await database.unit_of_work(lambda tx: catalog.archive(tx, product_id))
    with pytest.raises(live.ProductNotForSale):
        await pin(database, session, product_id)
    assert await database.read(lambda tx: live.pins_of(tx, session.id)) == []


async def test_ending_takes_down_what_is_pinned_and_closes_the_chat(database, clock):
    session, product_id = await pinned_session(database)

    ended = await database.unit_of_work(
        lambda tx: live.end_session(tx, session.id, leader_id=LEADER)
    )

    assert ended.status is live.Status.ENDED
    assert await database.read(lambda tx: live.pinned(tx, session.id)) is None
    with pytest.raises(live.SessionEnded):
        await pin(database, session, product_id)
    with pytest.raises(live.SessionEnded):
        await said(database, session, "fan", "hello")
    with pytest.raises(live.SessionEnded):
        await database.unit_of_work(lambda tx: live.end_session(tx, session.id, leader_id=LEADER))
    assert (await announced(database))[-2:] == ["product.unpinned", "session.ended"]


async def said(database, session, fan: str, text: str, key: str = "k") -> live.RoomMessage:
    message, _ = await database.unit_of_work(
        lambda tx: live.say(tx, session.id, fan_id=fan, name=fan, text=text, key=key)
    )
    return message


async def test_public_messages_said_at_once_are_numbered_without_gaps(database, clock):
    session = await a_session(database)

    await asyncio.gather(*(said(database, session, f"fan-{n}", f"hi {n}") for n in range(20)))

    chat = await database.read(lambda tx: live.chat_since(tx, session.id))
    assert [message.seq for message in chat] == list(range(1, 21))
    assert {message.text for message in chat} == {f"hi {n}" for n in range(20)}
    newest = await database.read(lambda tx: live.chat_since(tx, session.id, 5, 3))
    assert [message.seq for message in newest] == [18, 19, 20]


async def test_the_same_message_said_twice_at_once_is_one(database, clock):
    session = await a_session(database)

    first, second = await asyncio.gather(
        said(database, session, "ana", "hi"), said(database, session, "ana", "hi")
    )

    assert first == second
    chat = await database.read(lambda tx: live.chat_since(tx, session.id))
    assert chat == [first]


async def test_a_fan_who_floods_is_stopped_and_others_are_not(database, clock):
    session = await a_session(database)

    outcomes = await asyncio.gather(
        *(said(database, session, "ana", "hi", key=f"k{n}") for n in range(12)),
        return_exceptions=True,
    )

    refused = [o for o in outcomes if isinstance(o, live.TooFast)]
    assert len(refused) == 12 - live.FLOOD_MESSAGES
    assert (await said(database, session, "ben", "hi")).seq == live.FLOOD_MESSAGES + 1
    clock.advance(11 * clocks.SECOND)
    assert (await said(database, session, "ana", "hi", key="later")).seq == live.FLOOD_MESSAGES + 2


async def test_a_card_number_is_never_shown_in_public(database, clock):
    session = await a_session(database)

    message = await said(database, session, "ana", "mine is 4242 4242 4242 4242 ok?")

    assert message.text == "mine is [card number removed] ok?"


async def test_nobody_speaks_in_a_room_that_does_not_exist(database, clock):
    await a_session(database)

    with pytest.raises(live.UnknownSession):
        await database.unit_of_work(
            lambda tx: live.say(tx, "no-such", fan_id="a", name="a", text="hi", key="k")
        )


async def test_a_live_offers_the_styles_its_leader_lists_under_their_own_title(database, clock):
    session, product_id = await pinned_session(database)
    terms = catalog.Terms(title="My dress", prices={"linen-dress-m": 6500})
    await database.unit_of_work(
        lambda tx: catalog.put_listing(
            tx, leader_id=session.leader_id, product_id=product_id, terms=terms
        )
    )

    offer = await database.read(lambda tx: live.current_offer(tx, session.slug))

    assert offer.title == "My dress"
    assert [(o.sku, o.price_minor, o.former_minor) for o in offer.options] == [
        ("linen-dress-m", 6500, 0)
    ]
    await database.read(lambda tx: live.check_on_offer(tx, session.id, "linen-dress-m"))
    with pytest.raises(live.NothingPinned):
        await database.read(lambda tx: live.check_on_offer(tx, session.id, "linen-dress-s"))
