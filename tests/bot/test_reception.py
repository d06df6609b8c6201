"""What fans write becomes durable once, without card numbers and without what no database takes."""

from __future__ import annotations

import pytest

from bot import reception
from bot.messages import Incoming, Kind
from bot.reception import NAME_MAX, TEXT_MAX, Reception
from commerce.kernel import inbox, jsons
from commerce.kernel.inbox import Inbox
from commerce.kernel.masking import MASK
from commerce.kernel.tables import INBOX

CARD = "4242 4242 4242 4242"
ACCOUNT = "telegram:platform"


def an_incoming(message_id="1", **changes) -> Incoming:
    facts = {"account": ACCOUNT, "address": "7", "kind": Kind.TEXT, "text": "hello"}
    return Incoming(message_id=message_id, **facts | changes)


def taken_in(message: Incoming) -> Incoming:
    """As the conversation will see it."""
    row = reception.to_row(message)
    body = jsons.loads(jsons.dumps(row.body))
    return reception.from_row(row.account, row.conversation_id, row.message_id, body)


@pytest.fixture
def receive(database):
    return Reception(Inbox(database))


async def stored(database):
    rows = await database.read(lambda tx: tx.all(INBOX.select().order_by(INBOX.c.seq)))
    return [(row["message_id"], jsons.loads(row["body"])) for row in rows]


async def test_a_message_is_durable_when_reception_returns(database, receive):
    await receive([an_incoming(text="¡hola! 🙂", name="Ana", language="es")])

    assert await stored(database) == [
        ("1", {"kind": "text", "text": "¡hola! 🙂", "name": "Ana", "language": "es"})
    ]


async def test_many_messages_of_one_webhook_keep_their_order(database, receive):
    await receive([an_incoming(str(n), text=f"text {n}") for n in range(50)])

    assert [message_id for message_id, _ in await stored(database)] == [str(n) for n in range(50)]


async def test_a_message_that_comes_again_is_dropped(database, receive):
    await receive([an_incoming(text="first")])
    await receive([an_incoming(text="again"), an_incoming("2")])

    assert [(m, body["text"]) for m, body in await stored(database)] == [
        ("1", "first"),
        ("2", "hello"),
    ]


async def test_each_message_gets_a_correlation_of_its_own(database, receive):
    await receive([an_incoming(str(n)) for n in range(5)])

    rows = await database.read(lambda tx: inbox.waiting(tx, [an_incoming().conversation_id]))
    assert len({row["correlation_id"] for row in rows} - {""}) == 5


@pytest.mark.parametrize(
    "message",
    [
        an_incoming(),
        an_incoming(kind=Kind.CHOICE, text="", choice="3:size:shirt-m"),
        an_incoming(kind=Kind.LOCATION, text="", facts={"latitude": 1.5, "longitude": -2}),
        an_incoming(kind=Kind.START, text="friday", name="Ana", language="es-MX", sent_at=17),
        an_incoming(kind=Kind.LEFT, text=""),
        an_incoming(kind=Kind.EVENT, text="order_paid", facts={"total_minor": 5, "a": {"b": []}}),
    ],
)
def test_the_conversation_sees_what_the_channel_took(message):
    assert taken_in(message) == message


def test_a_card_number_is_masked_and_the_conversation_is_told():
    seen = taken_in(an_incoming(text=f"{CARD} 12/27 123", name=f"Ana {CARD}"))

    assert seen.text == f"{MASK} 12/27 123"
    assert seen.name == f"Ana {MASK}"
    assert seen.facts == {"card_masked": True}


async def test_a_card_number_is_nowhere_in_the_database(database, receive):
    await receive([an_incoming(text=CARD), an_incoming("2", name=CARD.replace(" ", ""))])

    rows = await database.read(lambda tx: tx.all(INBOX.select()))
    everything = " ".join(str(value) for row in rows for value in dict(row).values())
    assert "4242" not in everything


@pytest.mark.parametrize("before", range(TEXT_MAX - 20, TEXT_MAX + 1))
def test_no_part_of_a_card_is_left_where_a_long_text_is_cut(before):
    text = "x" * before + CARD.replace(" ", "")

    seen = taken_in(an_incoming(text=text))
    assert "4242" not in seen.text
    assert len(seen.text) <= TEXT_MAX


def test_five_thousand_emoji_are_cut_to_what_fits():
    seen = taken_in(an_incoming(text="🙂" * 5_000, name="🙂" * 500))

    assert seen.text == "🙂" * TEXT_MAX
    assert seen.name == "🙂" * NAME_MAX


HALVES = ["\ud83d", "\udc00", "a\ud83d\ud83db", "\udfff" * 10]


@pytest.mark.parametrize("text", ["a\0b", "\0", "\0" * 1_000 + "ü", *HALVES])
async def test_what_no_database_takes_does_not_stop_the_rest(database, receive, text):
    await receive([an_incoming(text=text, name=text), an_incoming("2")])

    [first, second] = await stored(database)
    assert "\0" not in first[1].get("text", "")
    assert second[1]["text"] == "hello"


async def test_ids_of_any_text_are_taken(database, receive):
    await receive([an_incoming("a\0\ud83d" + "x" * 500, address="b\0\udc00" + "y" * 500)])

    [(message_id, _)] = await stored(database)
    assert message_id.startswith("a?x")
    assert len(message_id) == 200


async def test_facts_from_a_channel_may_hold_anything_a_fan_can_name(database, receive):
    facts = {"place": "café \0 \ud83d", "deep": {"list": ["\0", {"\ud83d": CARD}]}, "n": 1.5}
    await receive([an_incoming(kind=Kind.LOCATION, text="", facts=facts)])

    [(_, body)] = await stored(database)
    assert body["facts"]["n"] == 1.5
    assert body["facts"]["place"] == "café  ?"
    assert "4242" not in jsons.dumps(body)
