"""What a leader sells of a product: the form, read into terms or a clear sentence per field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backoffice import forms, pages
from backoffice import words_products as words
from backoffice.product_forms import WHOLE, basis_points
from commerce import catalog
from commerce.catalog import Listing, Product, Terms, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A variant as a row of the form."""

    variant: Variant
    sells: bool
    price: str  # as typed; empty for the supplier's
    limits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingForm:
    title: str = ""
    image: str = ""
    share: str = ""
    styles: tuple[Style, ...] = ()
    version: int | None = None  # of the listing it was opened over
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, name: str, said: str) -> ListingForm:
        return replace(self, errors={**self.errors, name: said})


def of(product: Product, listing: Listing | None) -> ListingForm:
    """As it opens: everything at the supplier's price where nothing is listed yet."""
    prices = listing.prices if listing else {v.sku: None for v in product.variants}

    def style(variant: Variant) -> Style:
        chosen = prices.get(variant.sku)
        typed = "" if chosen is None else pages.major(chosen, product.currency)
        return _style(product, variant, sells=variant.sku in prices, price=typed)

    return ListingForm(
        title=listing.title if listing else "",
        image=listing.image if listing else "",
        share=pages.percent(listing.share_bp if listing else product.share_max_bp),
        styles=tuple(style(variant) for variant in product.variants),
        version=listing.version if listing else None,
    )


def _style(product: Product, variant: Variant, *, sells: bool, price: str) -> Style:
    limits = words.between(*catalog.limits(variant), product.currency)
    return Style(variant=variant, sells=sells, price=price, limits=limits)


def pictures_of(product: Product, *more: str) -> list[str]:
    """What a leader can choose from."""
    return list(
        dict.fromkeys(
            filter(None, (*product.pictures, *(v.image for v in product.variants), *more))
        )
    )


def read(
    fields: Mapping[str, str], product: Product, listing: Listing | None
) -> tuple[ListingForm, Terms]:
    """The form as it was sent, with what is wrong in it; the terms count where nothing is."""
    typed = {name: text.strip() for name, text in fields.items()}
    version = typed.get("version", "")
    form = ListingForm(
        title=typed.get("title", ""),
        image=typed.get("image", ""),
        share=typed.get("share", ""),
        styles=tuple(
            _style(
                product,
                variant,
                sells=f"sells:{variant.sku}" in typed,
                price=typed.get(f"price:{variant.sku}", ""),
            )
            for variant in product.variants
        ),
        version=int(version) if WHOLE.fullmatch(version) else None,
    )
    errors: dict[str, str] = {}
    terms = Terms(
        prices={
            style.variant.sku: _price(style, product.currency, errors)
            for style in form.styles
            if style.sells
        },
        title=form.title,
        image=form.image,
        share_bp=_share(form.share, errors),
    )
    if form.image not in {"", *pictures_of(product, listing.image if listing else "")}:
        errors["image"] = words.CHOOSE
    return replace(form, errors=errors), terms


def _price(style: Style, currency: str, errors: dict[str, str]) -> int | None:
    if not style.price:
        return None
    try:
        return forms.amount(style.price, currency)
    except forms.NoSuchAmount:
        errors[f"price:{style.variant.sku}"] = words.AMOUNT
        return None


def _share(text: str, errors: dict[str, str]) -> int:
    points = basis_points(text or "0")
    if points is None:
        errors["share"] = words.PERCENT
    return points or 0
