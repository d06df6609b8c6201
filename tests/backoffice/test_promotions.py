"""Promotions in the back office: a leader's Sunday on a phone, and everybody's own say."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from backoffice import promotion_forms, promotion_typed
from backoffice.promotion_forms import Shop
from commerce import accounts, promotions
from commerce.accounts import Role
from commerce.kernel.tables import AUDIT_ENTRIES
from commerce.promotions import (
    Bundle,
    BuyGet,
    Conditions,
    Fixed,
    FreeDelivery,
    Funder,
    Kind,
    Percent,
    Policy,
    Promotion,
    Seen,
    Stacking,
    Status,
    Tiered,
    Use,
    Visibility,
)
from tests.backoffice.conftest import Browser, House, Opens, a_person
from tests.backoffice.markup import PROBES, Tags
from tests.catalog.factories import a_product
from tests.conftest import NOON
from tests.promotions.factories import DAY, a_rule

HERE = "/backoffice/promotions"
SUNDAY = {"title_en": "Sunday treat", "effect": "percent", "percent": "10", "day_6": "1"}


def hidden(page: str) -> dict[str, str]:
    """What the last form of the page carries unseen."""
    return dict(re.findall(r'<input type="hidden" name="(key|version)" value="([^"]*)"', page))


async def everything(house: House) -> list[Promotion]:
    admin = await _admin(house)
    return await house.database.read(lambda tx: promotions.promotions_seen_by(tx, admin))


async def _admin(house: House):
    people = await house.database.read(accounts.all_staff)
    return next(person for person in people if Role.ADMIN in person.roles)


async def draws_up(browser: Browser, status: int = 303, **typed: str) -> str:
    page = await browser.get(f"{HERE}/new")
    return await browser.post(f"{HERE}/new", status, **hidden(page), **typed)


async def does(browser: Browser, one: Promotion, deed: str, status: int = 303, reason="it sells"):
    return await browser.post(f"{HERE}/{one.id}/{deed}", status, reason=reason, key=deed)


@pytest.mark.parametrize(
    "effect",
    [
        Percent(bp=1_250),
        Fixed(amounts_minor={"EUR": 500, "JPY": 12_345}, each=True),
        BuyGet(buy=2, get=1, bp=5_000, product_ids=("hat",)),
        Bundle(product_ids=("shirt", "hat"), prices_minor={"EUR": 123_456}),
        FreeDelivery(),
        Tiered(by_quantity=((2, 500), (3, 1_050))),
        Tiered(by_worth={"EUR": ((150_000, 500), (250_050, 700)), "USD": ((5_000, 500),)}),
    ],
    ids=lambda effect: effect.kind,
)
def test_what_is_edited_says_what_it_said(effect) -> None:
    asked = Conditions(
        product_ids=("shirt", "hat"), weekdays=(5, 6), minutes=(1_320, 125), segments=("loyal",),
        channels=("web", "telegram"), warehouses=("main",), first_purchase=True, min_quantity=2,
        min_worth_minor={"EUR": 1_000},
    )  # fmt: skip
    stacking = Stacking(combining=promotions.Combining.BEST_OF_GROUP, group="season")
    rule = a_rule(
        id="", title={"en": "A", "es": "B"}, effect=effect, conditions=asked, stacking=stacking,
        priority=-4, per_fan=3, maximum_minor={"EUR": 9_000}, starts_at=NOON,
        ends_at=NOON + DAY, funder=Funder.PLATFORM,
    )  # fmt: skip
    promotion = Promotion(
        id="p", kind=Kind.CAMPAIGN, visibility=Visibility.BOTH, funder=Funder.PLATFORM,
        leader_id="mara", rule=rule, by_code=True, total_limit=70, created_by="ada",
    )  # fmt: skip
    products = {sku: a_product(id=sku) for sku in ("shirt", "hat")}
    shop = Shop(
        by_sku=products, leaders={"mara": "Mara"}, currencies=("EUR", "USD", "JPY"),
        timezone="America/New_York",
    )  # fmt: skip

    form = promotion_typed.filled(promotion, shop, "key")
    draft = promotion_forms.draft_of(form, shop, now=0)

    assert draft.rule == rule
    assert (draft.kind, draft.visibility) == (Kind.CAMPAIGN, Visibility.BOTH)
    assert (draft.leader_id, draft.by_code, draft.total_limit) == ("mara", True, 70)


async def test_a_leader_manages_ten_percent_on_sundays(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")
    assert "No promotions yet" in await browser.get(HERE)

    shown = await draws_up(browser, 200, **SUNDAY, act="preview")
    assert "€49.00" in shown
    assert "€44.10" in shown
    assert await everything(house) == []
    to = await draws_up(browser, **SUNDAY, act="save")

    (one,) = await everything(house)
    assert to == f"{HERE}/{one.id}?said=made"
    assert one.rule.title == {"en": "Sunday treat"}
    assert one.rule.effect == Percent(bp=1_000)
    assert one.rule.conditions == Conditions(weekdays=(6,), leader_ids=(house.mara.id,))
    page = await browser.get(f"{HERE}/{one.id}")
    assert "Send it off" in Tags(page).words
    assert await does(browser, one, "submit") == f"{HERE}/{one.id}?said=submit"
    assert [p.status for p in await everything(house)] == [Status.SCHEDULED]


async def test_bad_input_is_one_sentence_at_the_field_and_nothing_typed_is_lost(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    amount = {"title_en": "A", "effect": "fixed"}
    for typed, field, words in (
        ({**SUNDAY, "percent": "-5"}, "percent", "Take off more than nothing."),
        ({**SUNDAY, "percent": "101"}, "percent", "At most 100 percent"),
        ({**SUNDAY, "percent": "lots"}, "percent", "Write a percentage like"),
        ({**SUNDAY, "title_en": ""}, "title_en", "Say what it is"),
        ({**SUNDAY, "starts": "2026-06-02T10:00", "ends": "2026-06-02T09:00"}, "ends", "before it"),
        ({**SUNDAY, "product_1": "NOTHING"}, "product_1", "no product of yours"),
        ({**SUNDAY, "from": "noon"}, "from", "Write an hour"),
        ({**SUNDAY, "per_fan": "0"}, "per_fan", "At least 1."),
        ({**amount, "amount_EUR": "-3"}, "amount_EUR", "Write an amount"),
        ({**amount}, "amount_EUR", "Write an amount"),
        ({"title_en": "A"}, "effect", "Choose one of these."),
        ({"title_en": "A", "effect": "tiered", "tiers": "many"}, "tiers", "Write it like"),
        ({**SUNDAY, "visibility": "leader"}, "leader_id", "whose audience"),
    ):
        page = await draws_up(browser, 422, **typed, act="save")
        said = re.search(rf'id="{field}-error">([^<]*)<', page)
        assert said is not None, typed
        assert words in said[1]
        assert all(f'value="{value}"' in page for value in typed.values() if value)
    assert await everything(house) == []


async def test_an_admin_agrees_and_an_editor_of_an_old_version_is_told(
    open_browser: Opens, house: House
) -> None:
    nell, ada = await open_browser("nell"), await open_browser("ada")
    await draws_up(nell, title_en="Off", effect="fixed", amount_EUR="5", product_1="HOODIE")
    (one,) = await everything(house)
    assert one.rule.effect == Fixed(amounts_minor={"EUR": 500})
    edit = await nell.get(f"{HERE}/{one.id}/edit")
    assert 'value="5.00"' in edit
    typed = {"title_en": "Off!", "effect": "fixed", "amount_EUR": "6.50", "product_1": "HOODIE"}

    await nell.post(f"{HERE}/{one.id}/edit", 303, **hidden(edit), **typed)
    page = await nell.post(f"{HERE}/{one.id}/edit", 422, **hidden(edit), **typed)
    assert "Somebody changed this meanwhile" in page
    await does(nell, one, "submit")
    assert "They wait for your yes" in await ada.get(HERE)
    page = await does(ada, one, "approve", 422, reason=" ")
    assert "Say why" in page
    await does(ada, one, "approve", reason="A fair price")

    (now,) = await everything(house)
    assert (now.status, now.rule.effect) == (Status.SCHEDULED, Fixed(amounts_minor={"EUR": 650}))
    page = await nell.get(f"{HERE}/{one.id}")
    assert "A fair price" in page
    entries = await house.database.read(lambda tx: tx.all(AUDIT_ENTRIES.select()))
    assert [entry["action"] for entry in entries] == ["promotion.submitted", "promotion.approved"]


async def test_nobody_sees_or_moves_what_is_not_theirs(open_browser: Opens, house: House) -> None:
    await draws_up(await open_browser("nell"), **SUNDAY)
    (one,) = await everything(house)
    await a_person(house.database, "vera", Role.SUPPLIER, "another")

    for name in ("mara", "vera"):
        browser = await open_browser(name)
        assert one.rule.title["en"] not in await browser.get(HERE)
        for path in ("", "/edit", "/codes.csv"):
            await browser.get(f"{HERE}/{one.id}{path}", 404)
        for deed in ("submit", "approve", "reject", "pause", "resume", "cancel", "codes", "edit"):
            await browser.post(f"{HERE}/{one.id}/{deed}", 404, reason="mine now", **SUNDAY)
        await browser.get(f"{HERE}/policy", 403)
    assert await everything(house) == [one]


async def test_codes_are_made_shown_and_downloaded(open_browser: Opens, house: House) -> None:
    browser = await open_browser("nell")
    await draws_up(browser, **SUNDAY, by_code="1")
    (one,) = await everything(house)
    codes = f"{HERE}/{one.id}/codes"

    for typed, words in (
        ({"code": "x"}, "too long or too short"),
        ({"count": "0"}, "Between 1 and 10000."),
        ({"count": "many"}, "Write a whole number."),
        ({"code": "SUN", "most": "0"}, "At least 1."),
    ):
        assert words in await browser.post(codes, 422, **typed)
    await browser.post(codes, 303, code="=sun 10")
    await browser.post(codes, 303, count="230", prefix="-x", most="1")

    page = await browser.get(f"{HERE}/{one.id}")
    assert "SUN10" in page
    assert "And 181 more." in page
    sheet = (await browser.get(f"{codes}.csv")).split("\r\n")
    assert sheet[:2] == ["code,times,used", "SUN10,,0"]
    assert len(sheet) == 233
    assert all(re.fullmatch(r"X\w{12},1,0", line) for line in sheet[2:-1])


async def test_how_it_does_is_told_by_audience_with_a_plot(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("mara")
    await draws_up(browser, **SUNDAY)
    (one,) = await everything(house)
    assert "Nobody has seen it yet." in await browser.get(f"{HERE}/{one.id}")
    seen = promotions.Performance(house.database)
    for _ in range(7):
        seen.note(Seen.IMPRESSION, [one.id], house.mara.id, "web")
    await seen.flush()
    use = Use(rule_id=one.id, amount_minor=5, currency="EUR")

    async def buy(tx) -> None:
        await promotions.reserve(
            tx, key="c", fan_id="f", uses=[use], leader_id=house.mara.id, channel="web"
        )
        await promotions.confirm(tx, "c", revenue_minor=4_410)

    await house.database.unit_of_work(buy)

    page = await browser.get(f"{HERE}/{one.id}")
    assert "<dt>Seen</dt><dd>7</dd>" in page
    assert "<dt>Bought</dt><dd>1</dd>" in page
    assert "1 bought</title>" in page
    assert "€44.10" in page


async def test_an_admin_sets_what_combines(open_browser: Opens, house: House) -> None:
    browser = await open_browser("ada")
    typed = {"mode": "best", "maximum_bp": "40", "margin_bp": "2.5", "timezone": "Europe/Lisbon"}

    await browser.get(f"{HERE}/policy")
    page = await browser.post(
        f"{HERE}/policy", 422, **{**typed, "timezone": "Nowhere", "version": "1"}
    )
    assert "a time zone like" in page
    await browser.post(f"{HERE}/policy", 303, **typed, version="1")
    assert "meanwhile" in await browser.post(f"{HERE}/policy", 422, **typed, version="1")

    assert await house.database.read(promotions.policy) == Policy(
        mode=promotions.Mode.BEST, maximum_bp=4_000, margin_bp=250, timezone="Europe/Lisbon",
        version=2,
    )  # fmt: skip


async def test_what_people_write_stays_text(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")
    titles = ("plain", *PROBES[:3])
    for title in titles:
        await draws_up(browser, **{**SUNDAY, "title_en": title})
    found = await everything(house)

    listed = Tags(await browser.get(HERE))
    pages = {one.rule.title["en"]: await browser.get(f"{HERE}/{one.id}") for one in found}
    copies = {
        one.rule.title["en"]: await browser.get(f"{HERE}/new?{urlencode({'like': one.id})}")
        for one in found
        if one.rule.title["en"] in ("plain", PROBES[1])
    }

    for shown in (pages, copies):
        plain = Tags(shown["plain"]).shape
        assert [title for title, page in shown.items() if Tags(page).shape != plain] == []
    assert all(title in listed.words for title in titles)
    assert ("a", ("href",)) in listed.shape
    assert not any("onerror" in names or tag == "svg" for tag, names in listed.shape)
