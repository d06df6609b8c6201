from __future__ import annotations

import re

import pytest

import live
from channels import web, web_history, web_texts
from channels.web_flood import BURST, STRIKES_MAX, Flood, Verdict
from channels.web_frames import BadFrame, FrameTextTooLong
from tests.channels.web_fans import open_house
from tests.live.factories import LEADER, a_session, pinned_session

REFUSED_HERE = (
    BadFrame(reason="x"),
    FrameTextTooLong(limit=1),
    web_texts.Busy(retry_after_seconds=3),
    live.NothingSaid(),
    live.SessionEnded(),
    live.SessionNotLive(),
    live.TooFast(retry_after_seconds=3),
    live.TooLong(limit=300),
    live.UnknownSession(),
)


@pytest.mark.parametrize("language", web_texts.LANGUAGES)
@pytest.mark.parametrize("refused", REFUSED_HERE, ids=lambda r: r.code)
def test_every_refusal_has_words_with_its_facts_in_them(language, refused):
    words = web_texts.refusal(language, refused)

    assert words
    assert not re.search(r"[{}]", words)


def test_every_language_says_the_same_things():
    english, spanish = (web_texts.PAGE[language] for language in ("en", "es"))

    assert list(english) == list(spanish)
    for name, words in english.items():
        assert re.findall(r"{\w+}", words) == re.findall(r"{\w+}", spanish[name]), name


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de,fr;q=0.9", "en"),
        ("en;q=0.2, es;q=0.7", "es"),
        ("es;q=0", "en"),
        ("*;q=0.1, ;;;, es;q=9", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_page_speaks_the_browsers_language(accepted, language):
    assert web_texts.language_of(accepted) == language


def test_a_burst_passes_and_a_flood_gets_one_notice_until_it_pauses():
    flood = Flood()

    verdicts = [flood.judge("ana", 0.0) for _ in range(BURST + 3)]
    trickle = [flood.judge("ana", 0.5 * n) for n in range(1, 4)]
    other = flood.judge("ben", 0.0)
    rested = [flood.judge("ana", 100.0) for _ in range(BURST + 2)]

    assert verdicts == [Verdict.PASS] * BURST + [Verdict.NOTICE, Verdict.SILENCE, Verdict.SILENCE]
    assert trickle == [Verdict.PASS] * 3
    assert other is Verdict.PASS
    assert rested == [Verdict.PASS] * BURST + [Verdict.NOTICE, Verdict.SILENCE]


def test_a_flood_without_end_is_closed():
    flood = Flood()

    verdicts = [flood.judge("ana", 0.0) for _ in range(BURST + STRIKES_MAX + 1)]

    assert verdicts[-1] is Verdict.CLOSE
    assert verdicts.count(Verdict.CLOSE) == 1


def test_the_history_stands_in_order_with_the_words_of_the_buttons():
    said = [
        ("fan:enter-s1", {"kind": "start", "text": "summer"}, 1),
        ("fan:message-1", {"kind": "choice", "choice": "size:m"}, 3),
        ("fan:message-2", {"kind": "text", "text": "Elm Street"}, 5),
        ("order-paid-1", {"kind": "event", "text": "order_paid"}, 6),
    ]
    answered = [
        (1, {"text": "Size?", "choices": [["size:m", "Medium", ""]]}, 2),
        (2, {"text": "Where to?"}, 3),
        (3, {"text": "And the town?"}, 5),
    ]

    shown = web_history.items(said, answered)

    assert [(item["who"], item.get("text") or item["reply"]["text"]) for item in shown] == [
        ("shop", "Size?"),
        ("fan", "Medium"),
        ("shop", "Where to?"),
        ("fan", "Elm Street"),
        ("shop", "And the town?"),
    ]
    assert [item["id"] for item in shown if item["who"] == "fan"] == ["message-1", "message-2"]


@pytest.mark.parametrize(
    ("kind", "ref", "address"),
    [
        (
            "youtube",
            "jfKfPfyJRdk",
            "https://www.youtube.com/embed/jfKfPfyJRdk?autoplay=1&mute=1&playsinline=1&rel=0",
        ),
        (
            "twitch",
            "mara",
            "https://player.twitch.tv/?channel=mara&parent=till.example&muted=true&autoplay=true",
        ),
        ("kick", "mara", "https://player.kick.com/mara?muted=true&autoplay=true"),
        ("still", "/media/still.png", ""),
    ],
)
def test_each_stream_has_its_official_player(kind, ref, address):
    stream = live.Stream(live.StreamKind(kind), ref)

    assert web.player(stream, "https://till.example:8443") == address
    assert not address or address.startswith(web.FRAME_SOURCES)


async def test_what_people_wrote_is_text_on_every_page(database, clock):
    bad = '"><script>alert(1)</script>'
    session = await a_session(database, title=bad, leader_name=bad)

    async with open_house(database) as house:
        pages = [
            (await house.browser().get(path))[1] for path in ("/shop", f"/live/{session.slug}")
        ]

    for page in pages:
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


async def test_the_shop_window_shows_what_is_live(database, clock):
    async with open_house(database) as house:
        _, empty = await house.browser().get("/shop")
        session, _ = await pinned_session(database)
        _, full = await house.browser().get("/shop")
        await database.unit_of_work(lambda tx: live.end_session(tx, session.id, leader_id=LEADER))
        _, after = await house.browser().get("/shop")

    assert "Nobody is live right now" in empty
    assert 'href="/live/summer-drop"' in full
    assert "Linen dress" in full
    assert "from €49.00" in full
    assert after == empty
