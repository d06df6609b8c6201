"""The demo's promotions: ten percent on Sundays, a set, a code to say aloud, and a flash price."""

from __future__ import annotations

from dataclasses import replace

from commerce import catalog, promotions
from commerce.accounts import Staff
from commerce.kernel.audit import Intervention
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Tx
from commerce.promotions import (
    Bundle,
    Conditions,
    Draft,
    Effect,
    FlashTerms,
    Funder,
    Kind,
    Percent,
    Rule,
    Visibility,
)

SUNDAY, SET, CODE, FLASH = (f"01976000-0000-7000-8000-{number:012d}" for number in (51, 52, 53, 54))
SPOKEN = "WELCOME15"
USES_MAX = 500


async def put_up(
    tx: Tx, *, leader: Staff, supplier: Staff, admin: Staff, pair: tuple[str, str], now: int
) -> None:
    """What is there already stays as people have left it."""
    known = await promotions.promotions(tx, [SUNDAY, SET, CODE])
    for promotion_id, owner, draft in (
        (SUNDAY, leader, _sunday(now)),
        (SET, supplier, _set(pair, now)),
        (CODE, supplier, _code(now)),
    ):
        if promotion_id in known:
            continue
        await promotions.draw_up(tx, owner, draft, promotion_id=promotion_id)
        await promotions.submit(tx, owner, promotion_id, _will(owner, promotion_id))
        if owner is supplier:
            await promotions.approve(tx, admin, promotion_id, _will(admin, promotion_id))
    if CODE not in known:
        await promotions.add_code(tx, supplier, CODE, SPOKEN, most=USES_MAX)


async def offer_flash(tx: Tx, *, leader: Staff, supplier: Staff, product_id: str) -> None:
    """Ten hoodies for less, for the leader to start when the moment is right."""
    hoodie = await catalog.product(tx, product_id)
    await promotions.offer_flash(
        tx,
        flash_id=FLASH,
        supplier_id=supplier.supplier_id,
        leader_id=leader.id,
        sku=hoodie.variants[1].sku,
        terms=FlashTerms(price_minor=4_200, quantity=10, duration=10 * MINUTE),
        per_fan=1,
    )


def _sunday(now: int) -> Draft:
    rule = _rule("Sunday treat", "Capricho de domingo", now, Percent(bp=1_000))
    sundays = replace(rule, conditions=Conditions(weekdays=(6,)))
    return Draft(kind=Kind.DEFAULT, visibility=Visibility.LEADER, rule=sundays)


def _set(pair: tuple[str, str], now: int) -> Draft:
    together = Bundle(product_ids=pair, prices_minor={"EUR": 11_500})
    rule = _rule("Hoodie and sneakers", "Sudadera y zapatillas", now, together)
    campaign = replace(rule, conditions=Conditions(product_ids=pair))
    return Draft(kind=Kind.CAMPAIGN, visibility=Visibility.GLOBAL, rule=campaign)


def _code(now: int) -> Draft:
    once = replace(_rule("Welcome", "Bienvenida", now, Percent(bp=1_500)), per_fan=1)
    return Draft(kind=Kind.DEFAULT, visibility=Visibility.GLOBAL, rule=once, by_code=True)


def _rule(english: str, spanish: str, now: int, effect: Effect) -> Rule:
    return Rule(
        id="",
        title={"en": english, "es": spanish},
        effect=effect,
        starts_at=now,
        funder=Funder.PLATFORM,
    )


def _will(person: Staff, promotion_id: str) -> Intervention:
    key = f"seed:{person.id}:{promotion_id}"
    return Intervention(key=key, actor=person.id, actor_name=person.name, reason="the demo shop")
