"""Texts cut to a platform's limits lose nothing but the gaps they were cut at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Choice, Link, Reply
from channels import rendering

PAY = Link("Pay", "https://till.example/pay/t")


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 4, [""]),
        ("abcd", 4, ["abcd"]),
        ("abcde", 4, ["abcd", "e"]),
        ("ab cde", 4, ["ab", "cde"]),
        ("a b\ncde", 6, ["a b", "cde"]),
        ("a\n\nb\nc d e", 8, ["a", "b\nc d e"]),
        ("👗👗👗", 4, ["👗👗", "👗"]),
        ("👗👗", 3, ["👗", "👗"]),
        ("     abc", 4, ["abc"]),
    ],
)
def test_a_long_text_is_split_at_its_gaps(text, limit, pieces):
    assert rendering.split(text, limit) == pieces


@given(text=st.text(), limit=st.integers(2, 40))
def test_no_piece_is_too_long_and_no_letter_is_lost(text, limit):
    pieces = rendering.split(text, limit)

    assert all(rendering.width(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("label", "short"),
    [("Medium", "Medium"), ("Medium-sized", "Mediu…"), ("M 👗👗👗", "M 👗…"), ("One  two", "One…")],
)
def test_a_long_label_is_shortened(label, short):
    assert rendering.shorten(label, 6) == short


def test_what_a_platform_refuses_is_said_more_plainly():
    reply = Reply(text="Pay now", image_url="https://x/i.jpg", link=PAY)

    assert list(rendering.plainer(reply)) == [
        reply,
        Reply(text="Pay now", link=PAY),
        Reply(text="Pay now\n\nPay: https://till.example/pay/t"),
    ]


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("/static/dress.png", "https://till.example/static/dress.png"),
        ("https://cdn.example/dress.png", "https://cdn.example/dress.png"),
        ("file:///etc/passwd", ""),
        ("dress.png", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_handed_to_a_platform(url, full):
    reply = Reply(text="Look", image_url=url, link=Link("Pay", url))

    link = Link("Pay", full) if full else None
    expected = Reply(text="Look", image_url=full, link=link)
    assert rendering.addressed(reply, "https://till.example/") == expected
    assert rendering.addressed(Reply(text="Look", image_url="/etc/passwd"), "").image_url == ""


def test_choices_become_numbered_lines():
    choices = (Choice("size:S", "S"), Choice("size:M", "M", "2 left"))

    assert rendering.numbered(choices) == ["1. S", "2. M — 2 left"]
