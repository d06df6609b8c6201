"""Products: the list by status, the editor, and the moves of a product's life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from babel import Locale

from backoffice import forms, pages, product_forms, shelf, stock
from backoffice import words_products as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.product_forms import ProductForm
from commerce import catalog, inventory, suppliers
from commerce.accounts import Action
from commerce.catalog import Brand, Category, NoSuchProduct, Product, Status
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal

HERE = "/backoffice/products"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}"
PER_PAGE = 30
MOVES = tuple(catalog.Action)
CURRENCIES = frozenset(Locale(pages.LOCALE).currencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A product in the editor, with all it can be sorted by."""

    product: Product
    missing: tuple[str, ...]
    categories: tuple[Category, ...]
    brands: tuple[Brand, ...]


class ProductPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, edit = self._desk.guarded, Action.EDIT_PRODUCTS
        return [
            web.get(HERE, guarded(self.products, *pages.STOCK), allow_head=False),
            web.get(f"{HERE}/new", guarded(self.new, edit), allow_head=False),
            web.post(f"{HERE}/new", guarded(self.create, edit)),
            web.get(ONE, guarded(self.product, edit), allow_head=False),
            web.post(ONE, guarded(self.save, edit)),
            web.post(f"{ONE}/move", guarded(self.move, edit)),
        ]

    async def products(self, request: web.Request, visit: Visit) -> web.Response:
        asked = request.query.get("status", "")
        statuses = (Status(asked),) if asked in words.STATUSES else tuple(Status)
        page = forms.page_number(request.query.get("page", ""))
        text = request.query.get("q", "").strip()

        async def see(tx: Tx) -> shelf.Seen:
            if text:
                return await shelf.found_by(tx, visit.staff, text, statuses, PER_PAGE, page)
            return await shelf.seen_by(tx, visit.staff, statuses, PER_PAGE, (page - 1) * PER_PAGE)

        seen = await self._desk.database.read(see)
        total = sum(count for status, count in seen.counts.items() if status in statuses)
        return self._desk.page(
            "products.html",
            visit,
            here=HERE,
            shelf=seen.items,
            counts=seen.counts,
            text=text,
            corrected=seen.corrected,
            chosen=asked if asked in words.STATUSES else "",
            statuses=words.STATUSES,
            total=total,
            page=page,
            pages=max(1, -(-total // PER_PAGE)),
            may_edit=visit.may(Action.EDIT_PRODUCTS),
            may_list=visit.may(Action.EDIT_LISTINGS),
            may_arrange=visit.may(Action.ARRANGE_CATALOG),
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
        )

    async def new(self, request: web.Request, visit: Visit) -> web.Response:
        return await self._new_page(visit, {"key": ids.new_id()}, {})

    async def _new_page(
        self, visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]
    ) -> web.Response:
        own = None if visit.may(Action.SEE_EVERYTHING) else [visit.staff.supplier_id]
        sellers = await self._desk.database.read(lambda tx: suppliers.suppliers(tx, own))
        usual = sellers[0].currency if len(sellers) == 1 else ""
        return self._desk.page(
            "product_new.html",
            visit,
            here=HERE,
            status=422 if errors else 200,
            values={"currency": usual, **values},
            errors=errors,
            suppliers=[] if own else sellers,
            currencies=sorted({seller.currency for seller in sellers}),
            title_max=product_forms.TITLE_MAX,
        )

    async def create(self, request: web.Request, visit: Visit) -> web.Response:
        values = {name: text.strip() for name, text in visit.fields.items()}
        everyone = visit.may(Action.SEE_EVERYTHING)
        seller = values.get("supplier", "") if everyone else visit.staff.supplier_id
        known = await self._desk.database.read(lambda tx: suppliers.suppliers(tx, [seller]))
        errors = _wrong_in_new(values) | ({} if known else {"supplier": words.SUPPLIER})
        if errors:
            return await self._new_page(visit, values, errors)
        key = values.get("key", "")
        made = await self._desk.database.unit_of_work(
            lambda tx: catalog.create_product(
                tx,
                supplier_id=seller,
                title=values["title"],
                currency=values["currency"].upper(),
                product_id=key if forms.ID.fullmatch(key) else "",
            )
        )
        return see_other(f"{HERE}/{made.id}?said=created")

    async def product(self, request: web.Request, visit: Visit) -> web.Response:
        opened = await self._desk.database.read(lambda tx: _opened(tx, request, visit))
        notice = words.NOTICES.get(request.query.get("said", ""), "")
        form = product_forms.of(opened.product)
        return self._editor(visit, opened, form, notice=notice)

    def _editor(
        self, visit: Visit, opened: Opened, form: ProductForm, *, status: int = 200, **said: str
    ) -> web.Response:
        product = opened.product
        return self._desk.page(
            "product.html",
            visit,
            here=HERE,
            status=status,
            opened=opened,
            form=form,
            editable=product.status is not Status.ARCHIVED,
            moves=[move.value for move in MOVES if catalog.LIFE.allows(product.status, move)],
            deletable=product.status in (Status.DRAFT, Status.ARCHIVED),
            missing=[words.MISSING[name] for name in opened.missing],
            may_keep=visit.may(Action.MOVE_STOCK),
            conditions=words.CONDITIONS,
            taxes=words.TAXES,
            attributes=len(product_forms.attribute_names(product)),
            **said,
        )

    async def save(self, request: web.Request, visit: Visit) -> web.Response:
        opened = await self._desk.database.read(lambda tx: _opened(tx, request, visit))
        form, changes = product_forms.read(visit.fields, opened.product, opened.categories)
        if "more" in visit.fields:
            return self._editor(visit, opened, form.more())
        if form.errors:
            return self._editor(visit, opened, form, status=422, problem=words.LOOK)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: catalog.edit_product(
                    tx,
                    opened.product.id,
                    changes,
                    expected_version=form.version,
                    supplier_id=own_supplier(visit),
                )
            )
        except catalog.StaleProduct as stale:
            now = await self._desk.database.read(lambda tx: _opened(tx, request, visit))
            form, said = product_forms.over(form, now.product), words.of_refusal(stale)
            return self._editor(visit, now, form, status=409, problem=said)
        except Refusal as refusal:
            return self._refused(visit, opened, form, refusal)
        return see_other(f"{HERE}/{opened.product.id}?said=saved")

    def _refused(
        self, visit: Visit, opened: Opened, form: ProductForm, refusal: Refusal
    ) -> web.Response:
        """The sentence at the field it is about, or above everything."""
        said = words.of_refusal(refusal) or words.problem("illegal_move")
        row = form.row_of(refusal.facts.get("sku", ""))
        if isinstance(refusal, catalog.BadVariants):
            name = refusal.facts["field"]
            form = form.wrong(**{f"{words.FIELD_OF[name]}-{row}": words.CONTRADICTIONS[name]})
        elif isinstance(refusal, catalog.SkuTaken):
            form = form.wrong(**{f"sku-{row}": said})
        elif isinstance(refusal, catalog.NoSuchCategory | catalog.NoSuchBrand):
            is_brand = isinstance(refusal, catalog.NoSuchBrand)
            form = form.wrong(**{"brand" if is_brand else "category": said})
        else:
            return self._editor(visit, opened, form, status=409, problem=said)
        return self._editor(visit, opened, form, status=422, problem=words.LOOK)

    async def move(self, request: web.Request, visit: Visit) -> web.Response:
        act, product_id = visit.fields.get("act", ""), request.match_info["id"]
        opened = await self._desk.database.read(lambda tx: _opened(tx, request, visit))
        try:
            await self._desk.database.unit_of_work(lambda tx: _moved(tx, visit, opened, act))
        except Refusal as refusal:
            now = await self._desk.database.read(lambda tx: _opened(tx, request, visit))
            said = words.of_refusal(refusal) or words.problem("illegal_move")
            form = product_forms.of(now.product)
            return self._editor(visit, now, form, status=409, problem=said)
        where = HERE if act == "delete" else f"{HERE}/{product_id}"
        return see_other(f"{where}?said={act}")


async def _moved(tx: Tx, visit: Visit, opened: Opened, act: str) -> None:
    product, version = opened.product, visit.fields.get("version", "")
    whose: dict[str, Any] = {
        "expected_version": int(version) if product_forms.WHOLE.fullmatch(version) else 0,
        "supplier_id": own_supplier(visit),
    }
    if act in set(MOVES):
        await catalog.move_product(tx, product.id, catalog.Action(act), **whose)
    elif act == "delete":
        await catalog.delete_product(tx, product.id, **whose)
    elif act == "shelf" and visit.may(Action.MOVE_STOCK):
        for variant in product.variants:
            await inventory.open_shelf(tx, variant.sku)
    else:
        raise web.HTTPBadRequest()


def own_supplier(visit: Visit) -> str | None:
    """Whose products this person may change; None is everybody's."""
    return None if visit.may(Action.SEE_EVERYTHING) else visit.staff.supplier_id


async def own_product(tx: Tx, request: web.Request, visit: Visit) -> Product:
    """The product of the address; somebody else's does not exist."""
    product = await stock.product_of(tx, visit.staff, request.match_info["id"])
    if not stock.may_change(visit.staff, product):
        raise NoSuchProduct(product_id=product.id)
    return product


async def _opened(tx: Tx, request: web.Request, visit: Visit) -> Opened:
    try:
        product = await own_product(tx, request, visit)
    except NoSuchProduct:
        raise web.HTTPNotFound() from None
    lacking = catalog.missing(product, has_shelf=await catalog.has_shelf(tx, product))
    return Opened(
        product=product,
        missing=tuple(lacking),
        categories=tuple(await catalog.categories(tx)),
        brands=tuple(await catalog.brands(tx)),
    )


def _wrong_in_new(values: Mapping[str, str]) -> dict[str, str]:
    title = values.get("title", "")
    errors = {} if title else {"title": words.TITLE}
    if len(title) > product_forms.TITLE_MAX:
        errors["title"] = words.too_long(product_forms.TITLE_MAX, len(title))
    if values.get("currency", "").upper() not in CURRENCIES:
        errors["currency"] = words.CURRENCY
    return errors
