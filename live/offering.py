"""What can be bought in a live: the pinned product, as its leader lists it, at the price of now."""

from __future__ import annotations

from collections.abc import Sequence

from commerce import catalog, inventory, pricing
from commerce.kernel import clock
from commerce.kernel.database import Tx
from live import model, store
from live.model import NothingPinned, Offer, Option, Session, Status, Watcher
from live.service import find_session

ANYBODY = Watcher()


async def current_offer(tx: Tx, slug_or_id: str, watcher: Watcher = ANYBODY) -> Offer | None:
    """What can be bought in this session now; None where it is not live, bare or over."""
    found = await find_session(tx, slug_or_id)
    if found is None or found.status is not Status.LIVE:
        return None
    offer = await pinned_offer(tx, found, watcher)
    return None if offer is None or model.is_over(offer.ends_at, now=clock.now()) else offer


async def check_on_offer(tx: Tx, session_id: str, sku: str) -> None:
    """A fan may take what is pinned, or was a moment ago: that is what they saw when they chose.

    Raises NothingPinned after that, after its countdown, and outside a live session.
    """
    found = await store.get(tx, session_id)
    sold = (await catalog.products_of_skus(tx, [sku])).get(sku)
    timeline = await store.timeline(tx, session_id) if found.status is Status.LIVE else []
    now = clock.now()
    if sold is None or not any(model.may_buy(pin, sold.id, now=now) for pin in timeline):
        raise NothingPinned(session_id=session_id)
    listing = await _listing(tx, found.leader_id, sold.id)
    if listing is not None and sku not in listing.prices:
        raise NothingPinned(session_id=session_id)


async def pinned_offer(tx: Tx, session: Session, watcher: Watcher = ANYBODY) -> Offer | None:
    """What is pinned, even when its time is over: a room shows that it was missed."""
    pin = await store.open_pin(tx, session.id)
    if pin is None:
        return None
    product = await catalog.product(tx, pin.product_id)
    return await _offer(tx, session, product, pin.offer_ends_at, watcher)


async def offer_with(tx: Tx, session_id: str, sku: str, watcher: Watcher = ANYBODY) -> Offer:
    """The product of this variant as it is offered in the session, pinned or not any more."""
    session = await store.get(tx, session_id)
    sold = await catalog.products_of_skus(tx, [sku])
    if sku not in sold:
        raise NothingPinned(session_id=session_id)
    return await _offer(tx, session, sold[sku], None, watcher)


async def names_of(tx: Tx, skus: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Title and label of each; the label is empty where there is only one to choose."""
    sold = await catalog.products_of_skus(tx, skus)
    named = dict.fromkeys(skus, ("", ""))
    for sku, product in sold.items():
        label = product.variant(sku).label if len(product.variants) > 1 else ""
        named[sku] = (product.title, label)
    return named


async def _offer(
    tx: Tx, session: Session, product: catalog.Product, ends_at: int | None, watcher: Watcher
) -> Offer:
    """As this leader lists it, at the prices that hold in this live for whoever looks."""
    listing = await _listing(tx, session.leader_id, product.id)
    sold = [v for v in product.variants if listing is None or v.sku in listing.prices]
    skus = [variant.sku for variant in sold]
    left = await inventory.available(tx, skus)
    prices = await pricing.shown(
        tx, skus, leader_id=session.leader_id, session_id=session.id, fan_id=watcher.fan_id,
        channel=watcher.channel, currency=watcher.currency,
    )  # fmt: skip
    currencies = {one.currency for one in prices.values()} or {product.currency}
    return Offer(
        session_id=session.id,
        session_slug=session.slug,
        session_title=session.title,
        leader_name=session.leader_name,
        leader_id=session.leader_id,
        product_id=product.id,
        title=(listing.title if listing else "") or product.title,
        description=product.description,
        image_url=(listing.image if listing else "") or product.image,
        currency=currencies.pop(),
        ends_at=ends_at,
        options=tuple(
            _option(variant, left.get(variant.sku, 0), prices.get(variant.sku))
            for variant in sorted(sold, key=lambda variant: variant.position)
        ),
    )


async def _listing(tx: Tx, leader_id: str, product_id: str) -> catalog.Listing | None:
    return (await catalog.listings_for(tx, leader_id, [product_id])).get(product_id)


def _option(variant: catalog.Variant, left: int, shown: pricing.Shown | None) -> Option:
    """Where nobody sells it any more, what it cost."""
    if shown is None:
        return Option(variant.sku, variant.label, variant.price_minor, left)
    return Option(
        variant.sku,
        variant.label,
        shown.price_minor,
        left,
        former_minor=shown.list_minor if shown.list_minor > shown.price_minor else 0,
        cheaper=shown.title,
        flash=shown.flash,
        rule_ids=shown.rule_ids,
        usual_minor=shown.usual_minor,
        floor_minor=shown.floor_minor,
    )
