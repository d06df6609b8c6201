"""No card number is ever stored or logged, and telephone and order numbers stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn

from commerce.kernel.ids import new_id, set_randomness, short_code
from commerce.kernel.masking import MASK, mask_cards

VISA = "4242424242424242"
# Issuer's first digits -> lengths of its numbers. All of them are published.
ISSUERS = {
    "4": (13, 16, 19), "51": (16,), "55": (16,), "2221": (16,), "2720": (16,), "34": (15,),
    "37": (15,), "300": (14, 16, 19), "305": (14,), "36": (14, 19), "38": (14,), "39": (14,),
    "6011": (16, 19), "644": (16,), "65": (16,), "3528": (16, 19), "3589": (16,), "62": (16, 19),
    "81": (16,), "50": (16, 19), "56": (16,), "67": (16, 19), "2200": (16, 19), "2204": (16,),
    "9792": (16,), "60": (16,), "82": (16,),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (VISA, MASK),
        ("my card is 4242 4242 4242 4242!", f"my card is {MASK}!"),
        ("4242-4242-4242-4242", MASK),
        ("4242.4242.4242.4242", MASK),
        ("4242 - 4242", "4242 - 4242"),
        ("4242 4242 4242 4242 12/27 123", f"{MASK} 12/27 123"),
        (f"{VISA} 12/27", f"{MASK} 12/27"),
        (f"{VISA}/12/27/123", f"{MASK}/12/27/123"),
        ("2 4242 4242 4242 4242", f"2 {MASK}"),
        (f"1x {VISA} and {VISA}", f"1x {MASK} and {MASK}"),
        (f"size 42, {VISA}", f"size 42, {MASK}"),
        ("(3782) 822463 10005", "(3782) 822463 10005"),
        ("3782 822463 10005", MASK),
        ("４２４２ ４２４２ ４２４２ ４２４２", MASK),  # noqa: RUF001
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", MASK),
        ("4242\u00a04242\u00a04242\u00a04242", MASK),
        ("4242\u200b4242\u200b4242\u200b4242", MASK),
        ("4242\u20134242\u20134242\u20134242", MASK),
        ("4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", MASK),
        (f"\n{VISA}\n", f"\n{MASK}\n"),
        (f"card{VISA}x", f"card{MASK}x"),
        ("+4242424242424242", f"+{MASK}"),
    ],
)
def test_a_card_is_masked_however_it_is_written(text, masked):
    assert mask_cards(text) == (masked, masked != text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "4242",
        "4242424242424241",  # wrong check digit
        "4444444444444444",
        "0000000000000000",
        "+34 612 345 678",
        "+49 1512 3456789",
        "+491512345678901",
        "+1 (217) 555-0123 or +1 (217) 555-0199",
        "0034 612 345 678",
        "08001 Barcelona, 612 345 678",
        "2026-06-01T12:00:00Z",
        "1780315200000000",
        "1Z 999 AA1 01 2345 6784",
        "9400 1000 0000 0000 0000 00",
        "4242,4242,4242",
        "²" * 16,
        "(217) 555-0142\n62701",
    ],
)
def test_other_numbers_stay(text):
    assert mask_cards(text) == (text, False)


def with_check_digit(body):
    return body + luhn.calc_check_digit(body)


@st.composite
def cards(draw):
    prefix = draw(st.sampled_from(sorted(ISSUERS)))
    size = draw(st.sampled_from(ISSUERS[prefix])) - len(prefix) - 1
    return with_check_digit(prefix + draw(st.text("0123456789", min_size=size, max_size=size)))


@st.composite
def written(draw):
    """A card in groups of one kind or another, in one script or another."""
    digits = draw(cards())
    size, gap = draw(st.integers(1, 19)), draw(st.sampled_from(["", " ", "-", ".", " - ", "  "]))
    gap = gap if len(gap) <= 2 else "--"
    groups = [digits[at : at + size] for at in range(0, len(digits), size)]
    zero = draw(st.sampled_from("0٠०０"))  # noqa: RUF001
    shown = gap.join(groups).translate({ord("0") + n: ord(zero) + n for n in range(10)})
    return digits, shown


PROSE = st.text(st.characters(blacklist_categories=("Nd", "Cs")), max_size=20)
NUMBERS = st.lists(st.text("0123456789", min_size=1, max_size=6), max_size=3).map(" ".join)


@given(card=written(), before=PROSE, after=PROSE, quantity=NUMBERS, date_and_code=NUMBERS)
@example((VISA, "4242 4242 4242 4242"), "", "", "2", "12 27 123")
@example((VISA, VISA), "", "", "42", "12 27")
def test_no_card_survives_among_words_and_other_numbers(
    card, before, after, quantity, date_and_code
):
    digits, shown = card
    text = " ".join([before, quantity, shown, date_and_code, after])

    masked, found = mask_cards(text)

    assert found
    assert digits not in "".join(str(int(char)) for char in masked if char.isdecimal())


@given(st.text(st.characters(blacklist_categories=("Nd", "Cs"))))
def test_a_text_without_digits_is_never_changed(text):
    assert mask_cards(text) == (text, False)


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_masking_again_changes_nothing(text):
    once, _ = mask_cards(text)

    assert mask_cards(once) == (once, False)


COUNTRIES = ("1", "34", "44", "49", "52", "54", "55", "57", "62", "86", "91")


@given(
    country=st.sampled_from(COUNTRIES),
    rest=st.text("0123456789", min_size=7, max_size=12),
    gap=st.sampled_from(["", " ", "-"]),
)
def test_telephone_numbers_with_their_country_stay(country, rest, gap):
    text = f"call +{country} {rest[:3]}{gap}{rest[3:]} please"

    assert mask_cards(text) == (text, False)


@pytest.fixture
def seeded(clock):
    set_randomness(2026)
    yield
    set_randomness(None)


@pytest.mark.usefixtures("seeded")
def test_our_own_ids_and_codes_hardly_ever_look_like_cards():
    texts = [f"{new_id()} {short_code()}" for _ in range(5_000)]

    assert sum(mask_cards(text)[1] for text in texts) <= 5
