"""The price list of a product: by currency, place and time; every price was set by somebody."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from backoffice import forms, pages, price_forms
from backoffice import words_products as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.price_forms import PriceForm, PriceList, Wanted
from backoffice.product_pages import own_product, own_supplier
from commerce import inventory, pricing
from commerce.accounts import Action
from commerce.catalog import NoSuchProduct, Product, Variant
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal

HERE = "/backoffice/products"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}/prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    product: Product
    variants: tuple[tuple[Variant, list[PriceList]], ...]
    places: dict[str, str]  # id of a warehouse -> its name
    now: int


class PricePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, edit = self._desk.guarded, Action.EDIT_PRODUCTS
        return [
            web.get(ONE, guarded(self.prices, edit), allow_head=False),
            web.post(ONE, guarded(self.set_price, edit)),
            web.post(f"{ONE}/end", guarded(self.end, edit)),
        ]

    async def prices(self, request: web.Request, visit: Visit) -> web.Response:
        book = await self._desk.database.read(lambda tx: _book(tx, request, visit))
        return self._page(
            visit,
            book,
            PriceForm(currency=book.product.currency),
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
            problem=words.problem(request.query.get("problem", "")),
        )

    def _page(
        self, visit: Visit, book: PriceBook, form: PriceForm, *, status: int = 200, **said: str
    ) -> web.Response:
        return self._desk.page(
            "prices.html",
            visit,
            here=HERE,
            status=status,
            book=book,
            form=form,
            width=price_forms.WIDTH,
            height=price_forms.HEIGHT,
            **said,
        )

    async def set_price(self, request: web.Request, visit: Visit) -> web.Response:
        book = await self._desk.database.read(lambda tx: _book(tx, request, visit))
        form, wanted = price_forms.read(visit.fields, book.product, tuple(book.places), book.now)
        if wanted is None:
            return self._page(visit, book, form, status=422)
        try:
            await self._desk.database.unit_of_work(lambda tx: _set(tx, visit, wanted))
        except Refusal as refusal:
            return self._page(visit, book, _refused(form, refusal), status=422)
        return see_other(f"{HERE}/{book.product.id}/prices?said=priced")

    async def end(self, request: web.Request, visit: Visit) -> web.Response:
        book = await self._desk.database.read(lambda tx: _book(tx, request, visit))
        where, price = f"{HERE}/{book.product.id}/prices", visit.fields.get("price", "")
        try:
            await self._desk.database.unit_of_work(
                lambda tx: pricing.end_price(tx, price, supplier_id=own_supplier(visit))
            )
        except Refusal as refusal:
            code = refusal.code if words.problem(refusal.code) else "illegal_move"
            return see_other(f"{where}?problem={code}")
        return see_other(f"{where}?said=ended")


async def _set(tx: Tx, visit: Visit, wanted: Wanted) -> None:
    """For all of the variants or for none."""
    for sku in sorted(wanted.skus):
        await pricing.set_price(
            tx,
            sku=sku,
            currency=wanted.currency,
            amount_minor=wanted.amount_minor,
            warehouse=wanted.warehouse,
            valid_from=wanted.valid_from,
            valid_until=wanted.valid_until,
            by=visit.staff.id,
            supplier_id=own_supplier(visit),
        )


def _refused(form: PriceForm, refusal: Refusal) -> PriceForm:
    """The sentence at the field it is about."""
    if isinstance(refusal, pricing.PriceOverlaps):
        facts = refusal.facts
        until = facts["valid_until"]
        ends = "it is ended" if until is None else f"{pages.instant(until)} UTC"
        begins = f"{pages.instant(facts['valid_from'])} UTC"
        return form.wrong(
            "valid_from", words.OVERLAPS.format(sku=facts["sku"], from_=begins, to=ends)
        )
    if isinstance(refusal, pricing.BadPeriod):
        return form.wrong("valid_until", words.AFTER)
    if isinstance(refusal, pricing.BadPrice):
        return form.wrong("amount", words.AMOUNT)
    return form.wrong("sku", words.of_refusal(refusal) or words.CHOOSE)


async def _book(tx: Tx, request: web.Request, visit: Visit) -> PriceBook:
    try:
        product = await own_product(tx, request, visit)
    except NoSuchProduct:
        raise web.HTTPNotFound() from None
    now = await tx.now()
    prices = await pricing.prices_of(tx, [variant.sku for variant in product.variants])
    named = await inventory.warehouses_of(tx, product.supplier_id)
    return PriceBook(
        product=product,
        variants=tuple((v, price_forms.lists(v, prices[v.sku], now)) for v in product.variants),
        places={inventory.MAIN: words.MAIN, **{one.id: one.name for one in named}},
        now=now,
    )
