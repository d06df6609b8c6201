"""A fan's code: written at any time, used with the total, refused with its reason, taken off."""

from __future__ import annotations

import pytest

from bot import code_reasons, codes
from bot.intents import CheckOut, Hold, Quote, Refused
from bot.model import Place
from tests.bot.fans import HOME, TEXTS, Fan, Shop, at

SHORT = Refused("minimum_worth", {"missing_minor": 500, "currency": "EUR"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("code SUNDAY10", "SUNDAY10"),
        ("Code: sunday10.", "SUNDAY10"),
        ("I have a coupon “Sunday-10”", "SUNDAY-10"),
        ("my promo code is SUNDAY10", "SUNDAY10"),
        ("cupón domingo10", "DOMINGO10"),
        ("tengo un código DOMINGO10", "DOMINGO10"),
        ("no code", ""),
        ("Quita el cupón", ""),
        ("SUNDAY10", None),
        ("code", None),
        ("postcode 28001", None),
        ("M", None),
    ],
)
def test_a_code_is_read_where_a_fan_says_that_it_is_one(text, code):
    assert codes.said(text) == code


def test_a_code_written_before_the_total_is_kept_for_it():
    fan = at("street")

    said = fan.writes("code SUNDAY10")

    assert said.startswith("I keep the code SUNDAY10 for the total.\n\nWhat is the street")
    fan.writes("12 Main St")
    fan.writes("Springfield")
    said = fan.writes("62701")
    assert fan.asked == [Quote("hold-1", HOME, "en", "SUNDAY10", currency="EUR")]
    assert said.startswith("The code SUNDAY10 counts.\n\nYour order:")
    assert "\nCode SUNDAY10: -€4.50\n" in said
    assert "\nTotal: €45.50\n" in said


def test_the_button_asks_for_the_bare_code_and_another_takes_it_off():
    fan = at("summary")

    assert fan.presses("I have a code") == "Please write the code."
    assert fan.state.place is Place.CODE
    assert "Code SUNDAY10: -€4.50" in fan.writes("sunday10")

    said = fan.presses("Take the code off")
    assert said.startswith("No code is used.\n\nYour order:")
    assert fan.asked == [Quote("hold-1", HOME, "en", currency="EUR")]
    assert fan.state.coupon == ""


@pytest.mark.parametrize("way", ["No code", "no", "back"])
def test_who_has_no_code_after_all_sees_the_total_again(way):
    fan = at("summary")
    fan.presses("I have a code")

    said = fan.presses(way) if way == "No code" else fan.writes(way)

    assert (fan.state.place, fan.asked) == (Place.SUMMARY, [])
    assert said.startswith("Your order:")


def test_a_refused_code_says_why_and_what_would_make_it_and_the_total_is_without_it():
    fan = at("summary")
    fan.shop.coupons = {"SUNDAY10": SHORT}

    said = fan.writes("code SUNDAY10")

    assert said.startswith(
        "The code SUNDAY10 takes nothing off: it needs €5.00 more of goods.\n\nYour order:"
    )
    assert (fan.state.place, fan.state.coupon) == (Place.SUMMARY, "")
    assert "I have a code" in fan.labels
    assert "\nTotal: €50.00\n" in said


def test_a_code_survives_a_hold_that_ran_out():
    fan = at("summary")
    fan.writes("code SUNDAY10")
    fan.shop.no[Quote] = [Refused("hold_expired", {})]

    fan.writes("code SUNDAY10")

    assert [type(intent) for intent in fan.asked][-2:] == [Hold, Quote]
    assert fan.asked[-1].coupon == "SUNDAY10"


def test_a_code_is_gone_with_its_order():
    fan = at("summary")
    fan.writes("code SUNDAY10")

    fan.writes("I agree")

    assert fan.state.coupon == ""
    assert fan.writes("code SUNDAY10").startswith("The order is placed, so its total stays.")


def test_a_price_used_up_while_the_fan_agreed_is_worked_out_again():
    fan = at("summary")
    fan.shop.no[CheckOut] = [Refused("limit_reached", {})]

    said = fan.writes("I agree")

    assert said.startswith("What made it cheaper has just been used up")
    assert (fan.state.place, fan.kinds) == (Place.SUMMARY, ["CheckOut", "Quote"])


FACTS = {
    "not_started": {"starts_at": 1_780_653_600_000_000},
    "other_hour": {"weekdays": [5, 6], "minutes": (540, 720)},
    "minimum_quantity": {"missing": 1},
    "too_few": {"missing": 2},
    "minimum_worth": {"missing_minor": 500, "currency": "JPY"},
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("reason", [*code_reasons.REASONS, "newer than our words"])
def test_every_reason_is_told_in_every_language(reason, language):
    fan = Fan(shop=Shop(coupons={"X1": Refused(reason, FACTS.get(reason, {}))}), language=language)
    for text in ("M", "M", "US", "Ann Lee", "12 Main St", "Springfield", "62701"):
        fan.writes(text)

    said = fan.writes("code X1")

    first = TEXTS.render("code.refused", language, code="X1", why="")
    assert said.startswith(first)
    assert fan.state.place is Place.SUMMARY


def test_days_and_hours_of_a_code_are_told_as_people_say_them():
    fan = at("summary")
    fan.shop.coupons = {"X1": Refused("other_hour", FACTS["other_hour"])}
    assert "at another time: Saturday, Sunday, 09:00–12:00." in fan.writes("code X1")

    fan.shop.coupons = {"X1": Refused("not_started", FACTS["not_started"])}
    assert "it counts from Jun 5, 10:00 UTC on." in fan.writes("code X1")
