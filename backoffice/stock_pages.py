"""The stock of a product: seen by who may look at it, changed by who owns it, once per form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from aiohttp import web

import live
from backoffice import (
    forms,
    pages,
    stock,
    stock_forms,
    words,
    words_operations,
    words_stock,
)
from backoffice.deeds import carried_out
from backoffice.desk import Desk, Visit, see_other
from backoffice.stock_forms import ChangeForm
from commerce import catalog, inventory
from commerce.accounts import Action
from commerce.catalog import NoSuchProduct, NoSuchVariant, Product
from commerce.inventory import (
    BadQuantity,
    NotYourWarehouse,
    Stock,
    StockChanged,
    StockPromised,
    UnknownSku,
    UnknownWarehouse,
    WarehouseClosed,
)
from commerce.kernel import audit, idempotency, ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx

HERE = "/backoffice/products"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}/stock"
SCOPE = "stock"  # as the keys of adjusting and counting


@dataclass(frozen=True, slots=True)
class Place:
    """A shelf, and what it may be called."""

    product: Product
    shelf: Stock
    names: Mapping[str, str]


class StockPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, move = self._desk.guarded, Action.MOVE_STOCK
        return [
            web.get(ONE, guarded(self.stock, *pages.STOCK), allow_head=False),
            web.get(f"{ONE}/change", guarded(self.form, move), allow_head=False),
            web.post(f"{ONE}/change", guarded(self.change, move)),
            web.post(f"{ONE}/resume", guarded(self.resume, Action.OPERATE)),
            web.get("/backoffice/stock", guarded(self.find, *pages.STOCK), allow_head=False),
        ]

    async def stock(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> stock.StockPage:
            return await stock.of(tx, await _product(tx, request, visit), before)

        given = request.query.get("before", "")
        before = int(given) if stock_forms.SEEN.fullmatch(given) else None
        seen = await self._desk.database.read(read)
        said, problem = request.query.get("said", ""), request.query.get("problem", "")
        return self._desk.page(
            "stock.html",
            visit,
            here=HERE,
            seen=seen,
            before=before,
            kinds=words_stock.KINDS,
            may_change=stock.may_change(visit.staff, seen.product),
            may_resume=visit.may(Action.OPERATE),
            keys={variant.sku: ids.new_id() for variant in seen.variants},
            notice=words_stock.NOTICES.get(said, ""),
            problem=words_operations.problem(problem) or words.problem(problem),
        )

    async def find(self, request: web.Request, visit: Visit) -> web.Response:
        """From a SKU to the page it stands on."""
        sku = request.query.get("sku", "").replace("\0", "")
        found = await self._desk.database.read(lambda tx: catalog.products_of_skus(tx, [sku]))
        if sku not in found:
            raise web.HTTPNotFound()
        return see_other(f"{HERE}/{found[sku].id}/stock#{quote(sku)}")

    async def form(self, request: web.Request, visit: Visit) -> web.Response:
        sku = request.query.get("sku", "").replace("\0", "")
        warehouse = request.query.get("warehouse", inventory.MAIN)

        async def read(tx: Tx) -> Place:
            product = await _own_product(tx, request, visit, sku)
            return await _place(tx, product, sku, warehouse.replace("\0", ""))

        place = await self._desk.database.read(read)
        form = stock_forms.empty(sku, place.shelf, request.query.get("act", ""))
        return self._form_page(visit, place, form)

    def _form_page(
        self,
        visit: Visit,
        place: Place,
        form: ChangeForm,
        *,
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        product, shelf = place.product, place.shelf
        return self._desk.page(
            "stock_change.html",
            visit,
            here=HERE,
            status=status,
            product=product,
            label=product.variant(form.sku).label or pages.ONE_SIZE,
            shelf=shelf,
            names=place.names,
            form=form,
            acts=words_stock.ACTS if shelf.version else {"receive": words_stock.ACTS["receive"]},
            help=words_stock.HELP,
            reasons=words_stock.REASONS,
            reason_max=stock_forms.REASON_MAX,
            problem=problem,
        )

    async def change(self, request: web.Request, visit: Visit) -> web.Response:
        form = stock_forms.read(visit.fields)

        async def read(tx: Tx) -> Place:
            product = await _own_product(tx, request, visit, form.sku)
            return await _place(tx, product, form.sku, form.warehouse)

        place = await self._desk.database.read(read)
        product = place.product
        if form.errors:
            return self._form_page(visit, place, form, status=422)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: _carry_out(tx, form, product, visit.staff.id)
            )
        except StockChanged as stale:
            newer = await self._desk.database.read(read)
            said = words_stock.of_refusal(stale)
            again = form.at(newer.shelf)
            return self._form_page(visit, newer, again, status=409, problem=said)
        except idempotency.KeyReused as refusal:
            said = words_stock.of_refusal(refusal)
            return self._form_page(visit, place, form, status=409, problem=said)
        except (UnknownWarehouse, NotYourWarehouse, WarehouseClosed):
            wrong = form.wrong(warehouse=words_stock.WAREHOUSE)
            return self._form_page(visit, place, wrong, status=422)
        except (StockPromised, BadQuantity, UnknownSku) as refusal:
            wrong = form.wrong(pieces=words_stock.of_refusal(refusal))
            return self._form_page(visit, place, wrong, status=422)
        said_so = urlencode({"said": form.act})
        return see_other(f"{HERE}/{product.id}/stock?{said_so}#{quote(form.sku)}")

    async def resume(self, request: web.Request, visit: Visit) -> web.Response:
        sku = visit.fields.get("sku", "")
        product = await self._desk.database.read(lambda tx: _own_product(tx, request, visit, sku))
        return await carried_out(
            self._desk,
            visit,
            lambda tx, will: _resume(tx, sku, will),
            page=f"{HERE}/{product.id}/stock",
            said="resumed",
        )


async def _place(tx: Tx, product: Product, sku: str, warehouse: str) -> Place:
    shelf = await stock.shelf_of(tx, sku, warehouse)
    named = await stock.names(tx, [warehouse]) if shelf.version else await stock.places(tx, product)
    return Place(product, shelf, named)


async def _product(tx: Tx, request: web.Request, visit: Visit) -> Product:
    try:
        return await stock.product_of(tx, visit.staff, request.match_info["id"])
    except NoSuchProduct:
        raise web.HTTPNotFound() from None


async def _own_product(tx: Tx, request: web.Request, visit: Visit, sku: str) -> Product:
    """The product with this variant, for who may change its stock; for the others there is none."""
    product = await _product(tx, request, visit)
    try:
        product.variant(sku)
    except NoSuchVariant:
        raise web.HTTPNotFound() from None
    if not stock.may_change(visit.staff, product):
        raise web.HTTPNotFound()
    return product


async def _carry_out(tx: Tx, form: ChangeForm, product: Product, by: str) -> None:
    if form.act == "receive":
        await _receive(tx, form, product, by)
    elif form.act == "adjust":
        await inventory.adjust(
            tx, form.key, form.sku, form.warehouse, form.number, form.reason, by, form.version
        )
    else:
        await inventory.count(
            tx, form.key, form.sku, form.warehouse, form.counted, form.reason, by, form.version
        )
    await live.wake_rooms_showing(tx, form.sku)


async def _receive(tx: Tx, form: ChangeForm, product: Product, by: str) -> None:
    async def work() -> idempotency.Answer:
        await inventory.receive(
            tx,
            form.sku,
            form.number,
            reason=form.reason,
            reference=form.reference,
            warehouse=form.warehouse,
            supplier_id=product.supplier_id,
            by=by,
        )
        return {}

    body = {"act": "receive", "sku": form.sku, "warehouse": form.warehouse, "by": by}
    body |= {"pieces": form.pieces, "reason": form.reason, "reference": form.reference}
    await idempotency.once(tx, SCOPE, form.key, body, work)


async def _resume(tx: Tx, sku: str, will: Intervention) -> None:
    async def work() -> dict[str, object]:
        return {"was_suspended": await inventory.resume(tx, sku, by=will.actor, reason=will.reason)}

    await audit.once(tx, will, action="stock.resumed", subject=f"sku:{sku}", work=work)
