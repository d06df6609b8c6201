"""The price of a basket for this fan now: pure, whole numbers, and explained line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_percent

from commerce import promotions
from commerce.kernel import money
from commerce.pricing import tax
from commerce.pricing.basis import Basis, Item
from commerce.pricing.lists import PRICE_MINOR_MAX, BadPrice
from commerce.pricing.model import (
    ITEMS_MAX,
    QUANTITY_MAX,
    BadQuantity,
    Line,
    LineKind,
    MixedCurrencies,
    Priced,
)
from commerce.promotions import Basket, Discount, Good, NotApplied, Outcome, Source
from commerce.shipping import Parcel

FLASH = "flash"


@dataclass(frozen=True, slots=True)
class Piece:
    """Pieces of one item that cost the same before promotions."""

    item: Item
    quantity: int
    unit_minor: int


def quote(basis: Basis) -> Priced:
    """The same basis gives the same lines, for ever; nothing is looked up.

    Raises bad_quantity, bad_price, mixed_currencies.
    """
    currency = only_currency(basis.items)
    pieces = [piece for item in basis.items for piece in _pieces(item)]
    charges = [_charge(parcel, pieces) for parcel in basis.parcels]
    outcome = _outcome(basis, currency, pieces, sum(charges))
    lines = (
        *(_goods(item) for item in basis.items),
        *(_flash(item, item.flash.pieces) for item in basis.items if item.flash),
        *(_discount(discount, basis.language) for discount in outcome.discounts),
        *_delivery(basis.parcels, charges),
        *_taxes(basis, pieces, sum(charges), outcome),
    )
    return Priced(
        lines=lines,
        total_minor=sum(line.amount_minor for line in lines),
        currency=currency,
        discounts=outcome.discounts,
        coupon_refused=_coupon_refused(basis, outcome),
    )


def only_currency(items: Sequence[Item]) -> str:
    if not 1 <= len(items) <= ITEMS_MAX:
        raise BadQuantity(quantity=len(items), maximum=ITEMS_MAX)
    currencies = sorted({item.currency for item in items})
    if len(currencies) > 1:
        raise MixedCurrencies(currencies=currencies)
    return currencies[0]


def _pieces(item: Item) -> list[Piece]:
    if not 1 <= item.quantity <= QUANTITY_MAX:
        raise BadQuantity(quantity=item.quantity, maximum=QUANTITY_MAX)
    if not 0 < item.unit_price_minor <= PRICE_MINOR_MAX:
        raise BadPrice(sku=item.sku, price_minor=item.unit_price_minor)
    if item.flash is None:
        return [Piece(item, item.quantity, item.unit_price_minor)]
    promised = Piece(item, item.flash.pieces, item.flash.price_minor)
    if item.flash.pieces == item.quantity:
        return [promised]
    return [promised, Piece(item, item.quantity - item.flash.pieces, item.unit_price_minor)]


def _charge(parcel: Parcel, pieces: Sequence[Piece]) -> int:
    """Free from an amount of goods, promotions aside: no discount makes a parcel dearer."""
    if parcel.free_from_minor is None:
        return parcel.charge_minor
    worth = sum(
        piece.quantity * piece.unit_minor
        for piece in pieces
        if piece.item.supplier_id == parcel.supplier_id
    )
    return 0 if worth >= parcel.free_from_minor else parcel.charge_minor


def _outcome(basis: Basis, currency: str, pieces: Sequence[Piece], delivery_minor: int) -> Outcome:
    if not basis.rules:
        return Outcome(discounts=())
    basket = Basket(
        goods=tuple(_good(piece) for piece in pieces),
        currency=currency,
        delivery_minor=delivery_minor,
        leader_id=basis.leader_id,
        session_id=basis.session_id,
        channel=basis.channel,
        at=basis.at,
        buyer=basis.buyer,
    )
    return promotions.evaluate(basket, basis.rules, basis.policy, basis.policy.timezone)


def _good(piece: Piece) -> Good:
    return Good(
        sku=piece.item.sku,
        product_id=piece.item.product_id,
        supplier_id=piece.item.supplier_id,
        category_ids=piece.item.category_ids,
        warehouse=piece.item.warehouse,
        quantity=piece.quantity,
        unit_minor=piece.unit_minor,
        floor_minor=min(piece.item.floor_minor, piece.unit_minor),
    )


def _goods(item: Item) -> Line:
    return Line(
        kind=LineKind.GOODS,
        label=item.title,
        amount_minor=item.quantity * item.unit_price_minor,
        sku=item.sku,
        option=item.option,
        quantity=item.quantity,
        unit_price_minor=item.unit_price_minor,
    )


def _flash(item: Item, pieces: int) -> Line:
    assert item.flash is not None
    return Line(
        kind=LineKind.DISCOUNT,
        label="",
        amount_minor=-pieces * (item.unit_price_minor - item.flash.price_minor),
        sku=item.sku,
        quantity=pieces,
        unit_price_minor=item.flash.price_minor,
        source=FLASH,
    )


def _discount(discount: Discount, language: str) -> Line:
    return Line(
        kind=LineKind.DISCOUNT,
        label=in_language(discount.title, language),
        amount_minor=-discount.amount_minor,
        source=discount.source.value,
        code=discount.code,
    )


def in_language(title: Mapping[str, str], language: str) -> str:
    """As the fan reads it, else in English, else as it was written first."""
    short = language.partition("-")[0]
    return (
        title.get(language) or title.get(short) or title.get("en") or next(iter(title.values()), "")
    )


def _delivery(parcels: Sequence[Parcel], charges: Sequence[int]) -> Iterable[Line]:
    for parcel, charge in zip(parcels, charges, strict=True):
        yield Line(
            kind=LineKind.DELIVERY,
            label="",
            amount_minor=charge,
            quantity=sum(quantity for _, quantity in parcel.goods),
            source=parcel.speed,
        )


def _taxes(
    basis: Basis, pieces: Sequence[Piece], delivery_minor: int, outcome: Outcome
) -> Iterable[Line]:
    """One line for each rate of each origin; it is told apart whether it adds or is inside."""
    off = [sum(cuts) for cuts in zip(*(d.off_goods_minor for d in outcome.discounts), strict=True)]
    off = off or [0] * len(pieces)
    delivery_minor -= sum(discount.off_delivery_minor for discount in outcome.discounts)
    shares = _delivery_by_origin(basis, pieces, delivery_minor)
    for origin, terms in basis.taxes.items():
        goods = [
            tax.Taxable(
                piece.quantity * piece.unit_minor - cut, piece.unit_minor, piece.item.tax_category
            )
            for piece, cut in zip(pieces, off, strict=True)
            if piece.item.origin == origin
        ]
        for found in tax.taxes(terms, goods, shares[origin]):
            yield _tax_line(terms, found, basis.language)


def _delivery_by_origin(
    basis: Basis, pieces: Sequence[Piece], delivery_minor: int
) -> dict[str, int]:
    if len(basis.taxes) == 1:
        return dict.fromkeys(basis.taxes, delivery_minor)
    worth = dict.fromkeys(basis.taxes, 0)
    for piece in pieces:
        worth[piece.item.origin] += piece.quantity * piece.unit_minor
    shares = money.split(delivery_minor, list(worth.values()))
    return dict(zip(worth, shares, strict=True))


def _tax_line(terms: tax.Terms, found: tax.Tax, language: str) -> Line:
    added = terms.method is tax.Method.ADDED
    return Line(
        kind=LineKind.TAX,
        label=f"{found.component.name} {percent(found.component.rate_ppm, language)}",
        amount_minor=found.amount_minor if added else 0,
        contained_minor=0 if added else found.amount_minor,
    )


@lru_cache(maxsize=1024)
def percent(rate_ppm: int, language: str) -> str:
    """19 % and 6.875 %, as the language writes them."""
    try:
        locale = Locale.parse(language or "en", sep="-")
    except (ValueError, UnknownLocaleError):  # a platform's own idea of a language
        locale = Locale("en")
    pattern = str(locale.percent_formats[None].pattern)
    rate = Decimal(rate_ppm).scaleb(-6)
    return format_percent(rate, pattern.replace("#,##0", "#,##0.####"), locale=locale)


def _coupon_refused(basis: Basis, outcome: Outcome) -> NotApplied | None:
    """Why the code takes nothing off; None where it does, or where there is none."""
    if basis.coupon_refused is not None:
        return basis.coupon_refused
    return next((n for n in outcome.not_applied if n.source is Source.COUPON), None)
