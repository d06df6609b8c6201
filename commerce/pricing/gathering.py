"""Loads what a price is made from: goods and their prices, the way, the fan's standing, taxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from commerce import catalog, inventory, promotions, shipping, suppliers
from commerce.catalog import Product, Variant
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.pricing import list_store, lists, tax, tax_rates
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
    return Basis(
        at=at,
        language=language,
        items=items,
        destination=to,
        parcels=plan.parcels,
        taxes=_taxes(items, to, at),
        policy=known.policy,
        leader_id=buying.leader_id,
        session_id=buying.session_id,
        channel=buying.channel,
    )


async def shelf(tx: Tx, skus: Sequence[str], leader_id: str) -> Shelf:
    """Raises not_for_sale for what nobody sells."""
    products = await catalog.products_of_skus(tx, skus)
    of_sellers = sorted({product.supplier_id for product in products.values()})
    sellers = {seller.id: seller for seller in await suppliers.suppliers(tx, of_sellers)}
    for sku in skus:
        if not _sold(products.get(sku), sellers):
            raise NotForSale(sku=sku)
    prices: dict[str, list[Price]] = {sku: [] for sku in skus}
    for price in await list_store.of_skus(tx, skus):
        prices[price.sku].append(price)
    return Shelf(products=products, sellers=sellers, prices=prices, policy=Policy())


def _sold(product: Product | None, sellers: Mapping[str, Supplier]) -> bool:
    if product is None or not product.sellable:
        return False
    seller = sellers.get(product.supplier_id)
    return seller is not None and seller.status is suppliers.Status.ACTIVE


def item(known: Shelf, wanted: Wanted, *, currency: str, warehouse: str, at: int) -> Item:
    """As it is offered now, before promotions."""
    product = known.products[wanted.sku]
    variant = product.variant(wanted.sku)
    currency = currency or product.currency
    home = currency == product.currency
    list_minor = _list_price(known, product, variant, currency, warehouse, at)
    return Item(
        sku=variant.sku,
        product_id=product.id,
        supplier_id=product.supplier_id,
        origin=known.sellers[product.supplier_id].country,
        title=product.title,
        option=variant.label,
        image=variant.image or product.image,
        quantity=wanted.quantity,
        unit_price_minor=list_minor,
        currency=currency,
        list_minor=list_minor,
        floor_minor=_floor(known.policy, variant.price_min_minor if home else None),
        tax_category=product.tax_category,
        category_id=product.category_id,
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


def _floor(policy: Policy, minimum_minor: int | None) -> int:
    """Nothing is given away, even where the supplier named no minimum."""
    return 1 if minimum_minor is None else max(1, policy.floor_minor(minimum_minor))


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
