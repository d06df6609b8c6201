"""The price that is shown before anything is chosen: of one piece, for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commerce import promotions
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.pricing import favours, gathering
from commerce.pricing.basis import Item
from commerce.pricing.favours import Favours
from commerce.pricing.gathering import Shelf
from commerce.pricing.lists import ANYWHERE, NoPrice
from commerce.pricing.model import Buying, Wanted
from commerce.promotions import Basket, FlashSale, Good, Source

NO_TITLE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one piece costs now, before delivery and taxes that are added."""

    price_minor: int
    list_minor: int  # what it costs otherwise
    currency: str
    flash: FlashSale | None = None
    title: Mapping[str, str]  # language -> words for what makes it cheaper; empty = nothing does
    rule_ids: tuple[str, ...] = ()  # of the promotions that do
    usual_minor: int  # before promotions: the leader's price, or the list's
    floor_minor: int | None  # what it never undercuts; None where the supplier set no minimum


async def shown(
    tx: Tx,
    skus: Sequence[str],
    *,
    leader_id: str = "",
    session_id: str = "",
    fan_id: str = "",
    channel: str = "",
    currency: str = "",
) -> dict[str, Shown]:
    """By SKU; what nobody sells is left out. Where one has no price in the currency that is wished
    for, all are shown in their own."""
    at = clock.now()
    known = await gathering.shelf(tx, skus, leader_id)
    items = _items(known, [sku for sku in skus if sku in known.products], currency, at)
    if not items:
        return {}
    buying = Buying(fan_id=fan_id, leader_id=leader_id, session_id=session_id, channel=channel)
    found = await favours.favours(tx, list(items.values()), buying, at)
    flashes = await promotions.flash_of(tx, session_id, skus, at) if session_id else {}
    return {
        sku: _shown(known, item, flashes.get(sku), found, buying, at) for sku, item in items.items()
    }


def _items(known: Shelf, skus: Sequence[str], currency: str, at: int) -> dict[str, Item]:
    def item(sku: str, currency: str) -> Item:
        return gathering.item(known, Wanted(sku, 1), currency=currency, warehouse=ANYWHERE, at=at)

    try:
        return {sku: item(sku, currency) for sku in skus}
    except NoPrice:
        return {sku: item(sku, "") for sku in skus}


def _shown(
    known: Shelf, item: Item, flash: FlashSale | None, found: Favours, buying: Buying, at: int
) -> Shown:
    usual = item.unit_price_minor
    if flash and (flash.currency != item.currency or flash.price_minor >= usual):
        flash = None
    unit = flash.price_minor if flash else usual
    outcome = promotions.evaluate(
        _basket(item, unit, found, buying, at), found.rules, known.policy, known.policy.timezone
    )
    first = next((one for one in outcome.discounts if one.amount_minor), None)
    variant = known.products[item.sku].variant(item.sku)
    return Shown(
        price_minor=unit - sum(one.amount_minor for one in outcome.discounts),
        list_minor=max(item.list_minor, usual),
        currency=item.currency,
        flash=flash,
        title=first.title if first else NO_TITLE,
        rule_ids=tuple(one.rule_id for one in outcome.discounts if one.source is Source.PROMOTION),
        usual_minor=usual,
        floor_minor=None if variant.price_min_minor is None else item.floor_minor,
    )


def _basket(item: Item, unit_minor: int, found: Favours, buying: Buying, at: int) -> Basket:
    good = Good(
        sku=item.sku,
        product_id=item.product_id,
        supplier_id=item.supplier_id,
        category_ids=item.category_ids,
        quantity=1,
        unit_minor=unit_minor,
        floor_minor=min(item.floor_minor, unit_minor),
    )
    return Basket(
        goods=(good,),
        currency=item.currency,
        leader_id=buying.leader_id,
        session_id=buying.session_id,
        channel=buying.channel,
        at=at,
        buyer=found.buyer,
    )
