"""Loads what a price is made from: goods and their prices, the way, the fan's standing, taxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from commerce import catalog, inventory, promotions, shipping, suppliers
from commerce.catalog import Listing, Product, Variant
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.pricing import favours, list_store, lists, tax, tax_rates
from commerce.pricing.basis import Basis, Flash, Item
from commerce.pricing.lists import NoPrice, Price
from commerce.pricing.model import Buying, NotForSale, Wanted
from commerce.promotions import Policy
from commerce.shipping import Destination, Shipped
from commerce.suppliers import Supplier

Parts = Sequence[tuple[str, int]]  # warehouse and pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What is known of the SKUs that are asked for."""

    products: Mapping[str, Product]  # by SKU
    sellers: Mapping[str, Supplier]
    listings: Mapping[str, Listing]  # of the leader, by product
    paths: Mapping[str, tuple[str, ...]]  # by category, from the root down
    prices: Mapping[str, Sequence[Price]]  # by SKU
    policy: Policy


async def basis(
    tx: Tx, wanted: Sequence[Wanted], to: Destination, *, language: str, buying: Buying
) -> Basis:
    """Raises not_for_sale, no_price, no_delivery, no_rate."""
    at = clock.now()
    known = await shelf(tx, [want.sku for want in wanted], buying.leader_id)
    parts = await _parts(tx, wanted, buying.hold_id)
    items = tuple(
        item(known, want, currency=buying.currency, warehouse=_only(parts[want.sku]), at=at)
        for want in wanted
    )
    items = await _with_flash(tx, items, buying.hold_id)
    plan = await shipping.plan(
        tx,
        [_shipped(known, one, *part) for one in items for part in parts[one.sku]],
        to,
        currency=items[0].currency,
        speed=buying.speed or shipping.STANDARD,
        at=at,
    )
    found = await favours.favours(tx, items, buying, at)
    return Basis(
        at=at,
        language=language,
        items=items,
        destination=to,
        parcels=plan.parcels,
        taxes=_taxes(items, to, at),
        rules=found.rules,
        policy=known.policy,
        buyer=found.buyer,
        leader_id=buying.leader_id,
        session_id=buying.session_id,
        channel=buying.channel,
        coupon=found.code,
        coupon_refused=found.coupon_refused,
    )


async def shelf(tx: Tx, skus: Sequence[str], leader_id: str) -> Shelf:
    """What of it is sold, and on which terms; the rest is left out."""
    products = await catalog.products_of_skus(tx, skus)
    of_sellers = sorted({product.supplier_id for product in products.values()})
    sellers = {seller.id: seller for seller in await suppliers.suppliers(tx, of_sellers)}
    products = {sku: product for sku, product in products.items() if _sold(product, sellers)}
    product_ids = sorted({product.id for product in products.values()})
    categories = sorted({product.category_id for product in products.values()} - {""})
    prices: dict[str, list[Price]] = {sku: [] for sku in products}
    for price in await list_store.of_skus(tx, list(products)):
        prices[price.sku].append(price)
    return Shelf(
        products=products,
        sellers=sellers,
        listings=await catalog.listings_for(tx, leader_id, product_ids) if leader_id else {},
        paths=await catalog.category_paths(tx, categories) if categories else {},
        prices=prices,
        policy=await promotions.policy(tx),
    )


def _sold(product: Product, sellers: Mapping[str, Supplier]) -> bool:
    seller = sellers.get(product.supplier_id)
    active = seller is not None and seller.status is suppliers.Status.ACTIVE
    return active and product.sellable


def item(known: Shelf, wanted: Wanted, *, currency: str, warehouse: str, at: int) -> Item:
    """As it is offered now, before promotions. Raises not_for_sale, no_price."""
    product = known.products.get(wanted.sku)
    if product is None:
        raise NotForSale(sku=wanted.sku)
    variant = product.variant(wanted.sku)
    listing = known.listings.get(product.id)
    currency = currency or product.currency
    home = currency == product.currency
    list_minor = _list_price(known, product, variant, currency, warehouse, at)
    chosen = listing.prices.get(variant.sku) if listing and home else None
    return Item(
        sku=variant.sku,
        product_id=product.id,
        supplier_id=product.supplier_id,
        origin=known.sellers[product.supplier_id].country,
        title=(listing.title if listing else "") or product.title,
        option=variant.label,
        image=(listing.image if listing else "") or variant.image or product.image,
        quantity=wanted.quantity,
        unit_price_minor=list_minor if chosen is None else chosen,
        currency=currency,
        list_minor=list_minor,
        floor_minor=_floor(known.policy, variant, list_minor, home=home),
        tax_category=product.tax_category,
        category_id=product.category_id,
        category_ids=known.paths.get(product.category_id, ()),
        warehouse=warehouse,
    )


def _list_price(
    known: Shelf, product: Product, variant: Variant, currency: str, warehouse: str, at: int
) -> int:
    listed = lists.in_force(
        known.prices[variant.sku], currency=currency, warehouse=warehouse, at=at
    )
    if listed is not None:
        return listed.amount_minor
    if currency != product.currency:
        raise NoPrice(sku=variant.sku, currency=currency)
    return variant.price_minor


def _floor(policy: Policy, variant: Variant, list_minor: int, *, home: bool) -> int:
    """The supplier's minimum is named in the product's currency; elsewhere its proportion holds.

    Nothing is given away, even where the supplier named no minimum.
    """
    minimum = variant.price_min_minor
    if minimum is None:
        return 1
    if not home and variant.price_minor:
        minimum = -(-list_minor * minimum // variant.price_minor)
    return max(1, policy.floor_minor(minimum))


async def _parts(tx: Tx, wanted: Sequence[Wanted], hold_id: str) -> Mapping[str, Parts]:
    """Where the pieces lie; without a hold, wherever their seller keeps them."""
    found: dict[str, Parts] = {want.sku: ((inventory.MAIN, want.quantity),) for want in wanted}
    if hold_id:
        hold = await inventory.hold_of(tx, hold_id)
        found[hold.sku] = hold.parts
    return found


def _only(parts: Parts) -> str:
    return parts[0][0] if len(parts) == 1 else lists.ANYWHERE


async def _with_flash(tx: Tx, items: tuple[Item, ...], hold_id: str) -> tuple[Item, ...]:
    """With the price that a live session promised to the pieces of this hold."""
    claim = await promotions.flash_claim(tx, hold_id) if hold_id else None
    if claim is None:
        return items
    hold = await inventory.hold_of(tx, hold_id)
    return tuple(_flashed(one, claim) if one.sku == hold.sku else one for one in items)


def _flashed(item: Item, claim: promotions.FlashClaim) -> Item:
    """A flash never makes anything dearer than it has become meanwhile."""
    if claim.currency != item.currency or claim.price_minor >= item.unit_price_minor:
        return item
    flash = Flash(claim.flash_id, claim.price_minor, min(claim.pieces, item.quantity))
    return replace(item, flash=flash)


def _shipped(known: Shelf, item: Item, warehouse: str, quantity: int) -> Shipped:
    variant = known.products[item.sku].variant(item.sku)
    return Shipped(
        sku=item.sku,
        quantity=quantity,
        supplier_id=item.supplier_id,
        origin_country=item.origin,
        warehouse=warehouse,
        weight_grams=variant.weight_grams,
        volume_cm3=variant.volume_cm3,
    )


def _taxes(items: Sequence[Item], to: Destination, at: int) -> dict[str, tax.Terms]:
    day = datetime.fromtimestamp(at // clock.SECOND, UTC).date()
    table = tax_rates.table()
    return {
        origin: table.terms(origin=origin, country=to.country, region=to.region, day=day)
        for origin in sorted({item.origin for item in items})
    }
