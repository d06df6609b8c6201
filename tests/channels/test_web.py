"""The protocol of the live room: nothing lost, nothing twice, nobody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponseError

import live
from channels.web_flood import BURST
from commerce.kernel.database import Database
from tests.channels.web_fans import House, open_house
from tests.live.factories import LEADER, a_product, a_session, pin, pinned_session


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as house:
        yield house


async def test_entering_the_room_opens_the_conversation_once(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
    async with browser.open() as page:
        await page.hello()

    assert await house.shop.heard(browser.conversation_id) == [("start", "summer-drop")]


async def test_what_is_said_is_durable_before_it_is_acknowledged_and_once(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        for _ in range(2):
            await page.send(type="say", id="message-1", text="size M please")
            assert await page.next("ack") == {"type": "ack", "id": "message-1"}
        await page.send(type="say", id="message-2", choice="size:m")
        await page.next("ack")
        await page.send(type="say", id="message-3", start=True)
        await page.next("ack")

    assert (await house.shop.heard(browser.conversation_id))[1:] == [
        ("text", "size M please"),
        ("choice", "size:m"),
        ("start", "summer-drop"),
    ]


async def test_replies_arrive_in_order_and_once(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        for text in ("one", "two"):
            await house.shop.answer(browser.conversation_id, text)
        await house.shop.announce(browser.conversation_id, 1, "one")
        await house.shop.answer(browser.conversation_id, "three")
        replies = [await page.next("reply") for _ in range(3)]
        await page.hello(number=3)

    assert [(r["number"], r["reply"]["text"]) for r in replies] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]
    assert page.all("reply") == []


async def test_a_reply_whose_news_was_lost_comes_with_the_next_one(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        await house.shop.answer(browser.conversation_id, "one", lost=True)
        await house.shop.answer(browser.conversation_id, "two")
        replies = [(await page.next("reply"))["number"] for _ in range(2)]

    assert replies == [1, 2]


async def test_a_page_that_asks_again_gets_what_was_lost(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        await house.shop.answer(browser.conversation_id, "one", lost=True)
        synced = await page.hello(number=0)

    assert synced["number"] == 1
    assert [r["number"] for r in page.all("reply")] == [1]


async def test_a_gap_in_the_news_is_filled_from_the_database(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        await house.shop.answer(browser.conversation_id, "one", lost=True)
        await house.shop.fanout.publish(f"conversation:{browser.conversation_id}", {"gap": True})
        reply = await page.next("reply")

    assert (reply["number"], reply["reply"]["text"]) == (1, "one")


async def test_after_a_cut_the_page_goes_on_where_it_was(house, database):
    await a_session(database)
    browser = house.browser()
    async with browser.open() as page:
        await page.hello()
        await house.shop.answer(browser.conversation_id, "one")
        await page.next("reply")
    for text in ("two", "three"):
        await house.shop.answer(browser.conversation_id, text)

    async with browser.open() as page:
        synced = await page.hello(number=1)

    assert synced["number"] == 3
    assert [r["reply"]["text"] for r in page.all("reply")] == ["two", "three"]
    assert page.all("history") == []


async def test_replies_written_while_a_page_reconnects_are_neither_lost_nor_repeated(
    house, database
):
    await a_session(database)
    browser = house.browser()
    await browser.get("/live/summer-drop")
    seen: list[int] = []

    async def shop_talks() -> None:
        for n in range(40):
            await house.shop.answer(browser.conversation_id, str(n), lost=n % 7 == 3)

    async def fan_reads_a_few() -> None:
        async with browser.open() as page:
            await page.send(type="hello", number=max(seen, default=0), chat=0)
            if not seen:
                frame = await page.next("history")
                seen.extend(item["number"] for item in frame["items"])
            await page.next("synced")
            seen.extend(frame["number"] for frame in page.all("reply"))

    talking = asyncio.create_task(shop_talks())
    while not talking.done():
        await fan_reads_a_few()
    await fan_reads_a_few()

    assert seen == list(range(1, 41))


async def test_a_long_history_is_shown_from_its_end(house, database):
    await a_session(database)
    browser = house.browser()
    await browser.get("/live/summer-drop")
    for n in range(230):
        await house.shop.answer(browser.conversation_id, str(n), lost=True)

    async with browser.open() as page:
        await page.hello()
        history = await page.next("history")

    assert history["number"] == 230
    assert [item["number"] for item in history["items"]] == list(range(171, 231))


async def test_two_fans_never_see_each_others_chat(house, database):
    await a_session(database)
    ana, ben = house.browser(), house.browser()

    async with ana.open() as hers, ben.open() as his:
        await hers.hello()
        await his.hello()
        await hers.send(type="say", id="message-1", text="to Elm Street 7")
        await hers.next("ack")
        await his.send(type="say", id="message-1", text="mine")
        await his.next("ack")
        await house.shop.answer(ana.conversation_id, "for Ana")
        await house.shop.answer(ben.conversation_id, "for Ben")
        assert (await hers.next("reply"))["reply"]["text"] == "for Ana"
        assert (await his.next("reply"))["reply"]["text"] == "for Ben"
    async with ben.open() as his:
        await his.hello()
        history = await his.next("history")

    assert ana.conversation_id != ben.conversation_id
    texts = [item.get("text") or item["reply"]["text"] for item in history["items"]]
    assert sorted(texts) == ["for Ben", "mine"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda cookie: cookie.partition(".")[0],
        lambda cookie: cookie.partition(".")[0] + "." + "0" * 64,
        lambda cookie: "A" * 32 + "." + cookie.partition(".")[2],
        lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
        lambda cookie: cookie.upper(),
        lambda cookie: "../../x.y",
    ],
)
async def test_a_forged_cookie_is_a_new_fan(house, database, forge):
    await a_session(database)
    ana = house.browser()
    async with ana.open() as page:
        await page.hello()
        await page.send(type="say", id="message-1", text="secret")
        await page.next("ack")

    thief = house.browser()
    thief.cookie = forge(ana.cookie)
    async with thief.open() as page:
        await page.hello()
        history = await page.next("history")

    assert history["items"] == []
    assert thief.conversation_id != ana.conversation_id


async def test_the_cookie_is_kept_from_scripts_and_foreign_sites(house, database):
    await a_session(database)

    async with house.http.get(f"{house.url}/live/summer-drop") as response:
        cookie = response.cookies["fan"]

    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("https://till.example", 101)],
)
async def test_only_our_own_pages_open_a_socket(house, database, origin, status):
    await a_session(database)
    browser = house.browser(Origin=origin)

    if status == 101:
        async with browser.open() as page:
            await page.hello()
    else:
        with pytest.raises(ClientResponseError) as refused:
            async with browser.open():
                pass
        assert refused.value.status == status


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "no json",
        "[]",
        "null",
        '"say"',
        "{}",
        '{"type":7}',
        '{"type":"shout"}',
        '{"type":["say"]}',
        '{"type":"hello","number":-1}',
        '{"type":"hello","number":"1"}',
        '{"type":"hello","number":true}',
        '{"type":"hello","chat":1e300}',
        '{"type":"say","text":"no id"}',
        '{"type":"say","id":"short","text":"x"}',
        '{"type":"say","id":"message:1","text":"x"}',
        '{"type":"say","id":"message-1"}',
        '{"type":"say","id":"message-1","text":["x"]}',
        '{"type":"say","id":"message-1","text":"  "}',
        '{"type":"room","id":"message-1","text":{}}',
        "[" * 5000,
        '{"type":"say","id":"message-1","text":"' + "x" * 9000 + '"}',
    ],
)
async def test_a_bad_frame_is_answered_and_changes_nothing(house, database, raw):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        await page.ws.send_str(raw)
        refused = await page.next("refused")
        await page.send(type="say", id="message-2", text="still here")
        await page.next("ack")

    assert refused["code"] in {"bad_frame", "too_long"}
    assert refused["text"]
    assert await house.shop.heard(browser.conversation_id) == [
        ("start", "summer-drop"),
        ("text", "still here"),
    ]


async def test_odd_characters_are_stored_on_both_databases(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        await page.hello()
        await page.ws.send_str('{"type":"say","id":"message-1","text":"a\\u0000b \\u202e"}')
        await page.next("ack")
        await page.send(type="say", id="message-2", text="🎈" * 4000)
        await page.next("ack")

    heard = await house.shop.heard(browser.conversation_id)
    assert [len(text) for _, text in heard[1:]] == [4, 4000]


async def test_a_huge_frame_closes_the_socket(house, database):
    await a_session(database)

    async with house.browser().open() as page:
        await page.hello()
        await page.send(type="say", id="message-1", text="x" * 70_000)
        code = await page.closed()

    assert code == 1009


async def test_bytes_are_answered_as_a_bad_frame(house, database):
    await a_session(database)

    async with house.browser().open() as page:
        await page.ws.send_bytes(b"\x00\x01")
        assert (await page.next("refused"))["code"] == "bad_frame"


async def test_a_flood_is_answered_once_and_what_fitted_is_kept(house, database):
    await a_session(database)
    browser = house.browser()

    async with browser.open() as page:
        for n in range(60):
            await page.send(type="say", id=f"message-{n}", text=str(n))
        refused = await page.next("refused")
        acks = page.all("ack")

    assert refused["code"] == "too_fast"
    assert refused["facts"]["retry_after_seconds"] > 0
    assert page.all("refused") == []
    heard = await house.shop.heard(browser.conversation_id)
    assert heard[: len(acks)] == [("text", str(n)) for n in range(len(acks))]
    assert len(acks) >= BURST


async def test_an_endless_flood_closes_the_socket(house, database):
    await a_session(database)

    async with house.browser().open() as page:
        for _ in range(400):
            await page.ws.send_str("{}")
        code = await page.closed()

    assert code == 1008


async def test_an_unknown_session_has_no_room(house, database):
    browser = house.browser()

    status, text = await browser.get("/live/no-such")
    state, _ = await browser.get("/live/no-such/state")
    odd, _ = await browser.get("/live/%00%F0%9F%8E%88/state")
    with pytest.raises(ClientResponseError) as refused:
        async with browser.open("no-such"):
            pass

    assert (status, state, odd, refused.value.status) == (404, 404, 404, 404)
    assert "There is no such live session" in text


async def test_the_room_shows_what_is_pinned_and_follows_it(house, database):
    session, _ = await pinned_session(database)
    hat = await a_product(database, "Straw hat", left=3)
    browser = house.browser(**{"Accept-Language": "es-ES,en;q=0.5"})

    async with browser.open() as page:
        await page.hello()
        first = await page.next("state")
        await pin(database, session, hat)
        await house.room_nudged(session.id)
        second = await page.next("state")
        await database.unit_of_work(lambda tx: live.end_session(tx, session.id, leader_id=LEADER))
        await house.room_nudged(session.id)
        third = await page.next("state")

    assert first["offer"]["title"] == "Linen dress"
    assert first["offer"]["left"] == 12
    assert first["offer"]["price"] == "49,00\xa0€"
    assert first["offer"]["price_varies"] is True
    assert [o["left"] for o in first["offer"]["options"]] == [0, 12]
    assert (second["offer"]["title"], second["offer"]["left"]) == ("Straw hat", 3)
    assert (third["session"]["status"], third["offer"]) == ("ended", None)


async def test_the_public_chat_reaches_everybody_once_and_in_order(house, database):
    await a_session(database)
    ana, ben = house.browser(), house.browser()

    async with ana.open() as hers, ben.open() as his:
        await hers.hello()
        await his.hello()
        await hers.send(type="room", id="message-1", text=" lovely \n dress ", name="Ana")
        assert (await hers.next("ack"))["seq"] == 1
        await his.send(type="room", id="message-1", text="yes", name="mara")
        assert (await his.next("ack"))["seq"] == 2
        await hers.send(type="room", id="message-1", text="again", name="Ana")
        assert (await hers.next("ack"))["seq"] == 1
        heard = [[await page.next("room") for _ in range(2)] for page in (hers, his)]
    async with ben.open() as his:
        await his.hello(chat=1)
        missed = his.all("room")

    assert heard[0] == heard[1]
    first, second = heard[0]
    assert (first["seq"], first["name"], first["text"]) == (1, "Ana", "lovely dress")
    assert second["name"].startswith("Fan ")
    assert ana.cookie.partition(".")[0] not in json.dumps(heard)
    assert [m["seq"] for m in missed] == [2]


async def test_a_public_message_whose_news_was_lost_comes_with_the_next(house, database):
    session = await a_session(database)

    def said(n: int):
        return lambda tx: live.say(
            tx, session.id, fan_id="other", name="Other", text=f"hi {n}", key=f"k{n}"
        )

    async with house.browser().open() as page:
        await page.hello()
        await page.next("state")
        await database.unit_of_work(said(1))
        message, _ = await database.unit_of_work(said(2))
        news = {"seq": 2, "name": "Other", "text": "hi 2", "at": message.said_at}
        await house.shop.fanout.publish(f"room:{session.id}", news)
        heard = [(await page.next("room"))["text"] for _ in range(2)]

    assert heard == ["hi 1", "hi 2"]


async def test_an_ended_room_still_shows_the_fans_own_chat(house, database):
    session = await a_session(database)
    browser = house.browser()
    async with browser.open() as page:
        await page.hello()
        await page.send(type="say", id="message-1", text="where is my order?")
        await page.next("ack")
    await database.unit_of_work(lambda tx: live.end_session(tx, session.id, leader_id=LEADER))

    async with browser.open() as page:
        await page.hello()
        history = await page.next("history")
        await page.send(type="room", id="message-2", text="anyone?")
        refused = await page.next("refused")

    assert [item["text"] for item in history["items"]] == ["where is my order?"]
    assert refused["id"] == "message-2"
    assert refused["code"] == "session_ended"


async def test_when_the_server_goes_every_page_is_told_to_come_back(house, database):
    await a_session(database)

    async with house.browser().open() as page:
        await page.hello()
        closing = asyncio.create_task(house.channel.close())
        code = await page.closed()
        await closing

    assert code == 1001


async def test_the_socket_address_opened_as_a_page_says_what_it_is(house, database):
    await a_session(database)

    status, _ = await house.browser().get("/live/summer-drop/socket")

    assert status == 426


async def test_a_page_that_went_away_is_not_counted(house, database):
    session = await a_session(database)

    async with house.browser().open() as page:
        async with house.browser().open() as other:
            await page.hello()
            await other.hello()
            await house.room_nudged(session.id)
            while (await page.next("watching"))["count"] != 2:
                pass
        await house.room_nudged(session.id)
        left = await page.next("watching")

    assert left == {"type": "watching", "count": 1}
