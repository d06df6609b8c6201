"""The warehouses of a supplier: opened, changed, looked into, closed; pieces moved between them."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from backoffice import warehouse_forms, warehouses, words_delivery
from backoffice import words_warehouse as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.warehouse_forms import TransferForm, WarehouseForm
from backoffice.warehouses import Moving
from commerce import inventory
from commerce.accounts import Action
from commerce.inventory import UnknownWarehouse, Warehouse, WarehouseChanged
from commerce.kernel import idempotency, ids
from commerce.kernel.database import Tx, Work
from commerce.kernel.errors import Refusal

T = TypeVar("T")
HERE = "/backoffice/warehouses"
ANY = f"{HERE}/{{id:[a-z0-9][a-z0-9-]{{0,39}}}}"
REASONS = ("Nearer to fans", "For a live", "Room was needed")


class WarehousePages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, manage, move = self._desk.guarded, Action.MANAGE_DELIVERY, Action.MOVE_STOCK
        return [
            web.get(HERE, guarded(self.overview, manage), allow_head=False),
            web.get(f"{HERE}/new", guarded(self.new, manage), allow_head=False),
            web.post(f"{HERE}/new", guarded(self.open, manage)),
            web.get(f"{HERE}/transfer", guarded(self.moving, move), allow_head=False),
            web.post(f"{HERE}/transfer", guarded(self.move, move)),
            web.get(ANY, guarded(self.inside, manage), allow_head=False),
            web.get(f"{ANY}/edit", guarded(self.form, manage), allow_head=False),
            web.post(f"{ANY}/edit", guarded(self.save, manage)),
            web.post(f"{ANY}/close", guarded(self.close, manage)),
        ]

    async def _read(self, work: Work[T]) -> T:
        """What one may not look at is not there."""
        try:
            return await self._desk.database.read(work)
        except UnknownWarehouse:
            raise web.HTTPNotFound() from None

    async def overview(self, request: web.Request, visit: Visit) -> web.Response:
        asked = request.query.get("supplier", "")
        return self._desk.page(
            "warehouses.html",
            visit,
            here=HERE,
            seen=await self._read(lambda tx: warehouses.overview(tx, visit.staff, asked)),
            words=words,
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
        )

    async def inside(self, request: web.Request, visit: Visit) -> web.Response:
        asked, after = request.query.get("supplier", ""), request.query.get("after", "")
        place = request.match_info["id"]
        seen = await self._read(
            lambda tx: warehouses.inside(tx, visit.staff, place, asked, after.replace("\0", ""))
        )
        return self._inside_page(visit, seen, said=request.query.get("said", ""), after=after)

    def _inside_page(
        self,
        visit: Visit,
        seen: warehouses.Inside,
        *,
        said: str = "",
        after: str = "",
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        return self._desk.page(
            "warehouse.html",
            visit,
            here=HERE,
            status=status,
            seen=seen,
            after=after,
            words=words,
            notice=words.NOTICES.get(said, ""),
            problem=problem,
        )

    async def new(self, request: web.Request, visit: Visit) -> web.Response:
        asked = request.query.get("supplier", "")
        supplier, _ = await self._read(lambda tx: warehouses.supplier_of(tx, visit.staff, asked))
        form = WarehouseForm(key=ids.new_id(), country=supplier.country)
        return self._form_page(visit, form, supplier.id)

    async def open(self, request: web.Request, visit: Visit) -> web.Response:
        asked = visit.fields.get("supplier", "")
        supplier, _ = await self._read(lambda tx: warehouses.supplier_of(tx, visit.staff, asked))
        key = warehouse_forms.key_of(visit.fields)
        form, meant = warehouse_forms.read(visit.fields, supplier.id, key)
        if form.errors:
            return self._form_page(visit, form, supplier.id, status=422, problem=words.LOOK)
        try:
            await self._desk.database.unit_of_work(lambda tx: inventory.open_warehouse(tx, meant))
        except idempotency.KeyReused as refusal:
            said = words.of_refusal(refusal)
            return self._form_page(visit, form, supplier.id, status=409, problem=said)
        return see_other(f"{HERE}/{meant.id}?said=opened")

    async def form(self, request: web.Request, visit: Visit) -> web.Response:
        known = await self._own(request, visit)
        return self._form_page(visit, warehouse_forms.of(known), known.supplier_id)

    async def save(self, request: web.Request, visit: Visit) -> web.Response:
        known = await self._own(request, visit)
        form, meant = warehouse_forms.read(visit.fields, known.supplier_id, known.id)
        if form.errors:
            return self._form_page(visit, form, known.supplier_id, status=422, problem=words.LOOK)

        async def work(tx: Tx) -> Warehouse:
            return await inventory.edit_warehouse(
                tx, meant, supplier_id=known.supplier_id, expected_version=form.version
            )

        try:
            await self._desk.database.unit_of_work(work)
        except WarehouseChanged as stale:
            newer = warehouse_forms.newer(form, await self._own(request, visit))
            said = words.of_refusal(stale)
            return self._form_page(visit, newer, known.supplier_id, status=409, problem=said)
        return see_other(f"{HERE}/{known.id}?said=saved")

    def _form_page(
        self,
        visit: Visit,
        form: WarehouseForm,
        supplier_id: str,
        *,
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        return self._desk.page(
            "warehouse_form.html",
            visit,
            here=HERE,
            status=status,
            form=form,
            supplier_id=supplier_id,
            countries=words_delivery.countries(),
            timezones=sorted(zone for zone in inventory.timezones() if "/" in zone),
            problem=problem,
        )

    async def close(self, request: web.Request, visit: Visit) -> web.Response:
        known = await self._own(request, visit)
        version = visit.fields.get("version", "")
        if not warehouse_forms.VERSION.fullmatch(version):
            raise web.HTTPBadRequest()

        async def work(tx: Tx) -> Warehouse:
            return await inventory.close_warehouse(
                tx, known.id, supplier_id=known.supplier_id, expected_version=int(version)
            )

        try:
            await self._desk.database.unit_of_work(work)
        except Refusal as refusal:
            seen = await self._read(lambda tx: warehouses.inside(tx, visit.staff, known.id, "", ""))
            return self._inside_page(visit, seen, status=409, problem=words.of_refusal(refusal))
        return see_other(f"{HERE}?{urlencode({'said': 'closed', 'supplier': known.supplier_id})}")

    async def moving(self, request: web.Request, visit: Visit) -> web.Response:
        sku, origin = (request.query.get(n, "").replace("\0", "") for n in ("sku", "origin"))
        seen = await self._read(lambda tx: warehouses.moving(tx, visit.staff, sku, origin))
        only = seen.to[0] if len(seen.to) == 1 else ""
        form = TransferForm(key=ids.new_id(), sku=sku, origin=origin, to=only)
        return self._transfer_page(visit, seen, form)

    async def move(self, request: web.Request, visit: Visit) -> web.Response:
        form = warehouse_forms.transfer(visit.fields)
        seen = await self._read(
            lambda tx: warehouses.moving(tx, visit.staff, form.sku, form.origin)
        )
        if form.errors:
            return self._transfer_page(visit, seen, form, status=422)

        async def work(tx: Tx) -> None:
            await inventory.transfer(
                tx,
                form.key,
                form.sku,
                int(form.pieces),
                origin=form.origin,
                to=form.to,
                supplier_id=seen.supplier.id,
                reason=form.reason,
                by=visit.staff.id,
            )

        try:
            await self._desk.database.unit_of_work(work)
        except idempotency.KeyReused as refusal:
            said = words.of_refusal(refusal)
            return self._transfer_page(visit, seen, form, status=409, problem=said)
        except Refusal as refusal:
            at = "pieces" if refusal.code in ("stock_promised", "bad_quantity") else "to"
            wrong = form.wrong(**{at: words.of_refusal(refusal)})
            return self._transfer_page(visit, seen, wrong, status=422)
        whose = urlencode({"said": "moved", "supplier": seen.supplier.id})
        return see_other(f"{HERE}/{form.origin}?{whose}")

    def _transfer_page(
        self,
        visit: Visit,
        seen: Moving,
        form: TransferForm,
        *,
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        return self._desk.page(
            "warehouse_transfer.html",
            visit,
            here=HERE,
            status=status,
            seen=seen,
            form=form,
            words=words,
            reasons=REASONS,
            reason_max=warehouse_forms.REASON_MAX,
            problem=problem,
        )

    async def _own(self, request: web.Request, visit: Visit) -> Warehouse:
        place = request.match_info["id"]
        return await self._read(lambda tx: warehouses.one(tx, visit.staff, place))
