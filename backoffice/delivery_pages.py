"""Zones and rates of a supplier: seen, tried out, changed and removed by who owns them."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from backoffice import delivery, delivery_forms, forms
from backoffice import words_delivery as words
from backoffice.delivery_forms import ZoneForm
from backoffice.desk import Desk, Visit, see_other
from commerce import shipping, suppliers
from commerce.accounts import Action
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.idempotency import KeyReused
from commerce.shipping import AreaTaken, NotYourZone, UnknownZone, Zone, ZoneChanged
from commerce.suppliers import NoSuchSupplier, Supplier

HERE = "/backoffice/delivery"
ONE = f"{HERE}/zones/{{id:{forms.ID.pattern}}}"


class DeliveryPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, manage = self._desk.guarded, Action.MANAGE_DELIVERY
        return [
            web.get(HERE, guarded(self.overview, manage), allow_head=False),
            web.get(f"{HERE}/new", guarded(self.new, manage), allow_head=False),
            web.get(ONE, guarded(self.zone, manage), allow_head=False),
            web.post(f"{HERE}/zones", guarded(self.save, manage)),
            web.post(f"{ONE}/remove", guarded(self.remove, manage)),
        ]

    async def overview(self, request: web.Request, visit: Visit) -> web.Response:
        """With an address in the query: what would come of it."""
        asked = {name: text.replace("\0", "") for name, text in request.query.items()}
        supplier = await self._supplier(visit, asked.get("supplier", ""))
        if supplier is None:
            sellers = await self._desk.database.read(suppliers.suppliers)
            return self._desk.page("delivery_suppliers.html", visit, here=HERE, suppliers=sellers)
        seen = await self._desk.database.read(lambda tx: delivery.of(tx, supplier, asked))
        return self._desk.page(
            "delivery.html",
            visit,
            here=HERE,
            seen=seen,
            any_supplier=visit.may(Action.SEE_EVERYTHING),
            countries=words.countries(),
            speeds=words.SPEEDS,
            zone_names=words.DEFAULT_ZONES,
            notice=words.NOTICES.get(asked.get("said", ""), ""),
        )

    async def new(self, request: web.Request, visit: Visit) -> web.Response:
        supplier = await self._one_supplier(visit, request.query.get("supplier", ""))
        return self._form_page(visit, supplier, delivery_forms.blank(supplier.currency))

    async def zone(self, request: web.Request, visit: Visit) -> web.Response:
        supplier = await self._one_supplier(visit, request.query.get("supplier", ""))
        zone_id = request.match_info["id"]
        try:
            zone = await self._desk.database.read(
                lambda tx: shipping.zone(tx, zone_id, supplier_id=supplier.id)
            )
        except (UnknownZone, NotYourZone):
            raise web.HTTPNotFound() from None
        return self._form_page(visit, supplier, delivery_forms.of(zone))

    async def save(self, request: web.Request, visit: Visit) -> web.Response:
        supplier = await self._one_supplier(visit, visit.fields.get("supplier", ""))
        form, zone = delivery_forms.read(visit.fields, supplier.id)
        if "more" in visit.fields:
            return self._form_page(visit, supplier, form.more())
        if form.errors:
            return self._form_page(visit, supplier, form, status=422)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: _save(tx, zone, form.version, visit.staff.id)
            )
        except AreaTaken as refusal:
            wrong = form.wrong(areas=words.taken(refusal.facts))
            return self._form_page(visit, supplier, wrong, status=422)
        except ZoneChanged as stale:
            again = replace(form, version=stale.facts["version"])
            return self._stale(visit, supplier, again, stale)
        except KeyReused as refusal:
            return self._stale(visit, supplier, form, refusal)
        except (UnknownZone, NotYourZone):
            raise web.HTTPNotFound() from None
        return _back(supplier, "saved")

    async def remove(self, request: web.Request, visit: Visit) -> web.Response:
        supplier = await self._one_supplier(visit, visit.fields.get("supplier", ""))
        form, _ = delivery_forms.read(visit.fields, supplier.id)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: shipping.remove_zone(
                    tx,
                    request.match_info["id"],
                    supplier_id=supplier.id,
                    expected_version=form.version,
                )
            )
        except (UnknownZone, NotYourZone):
            raise web.HTTPNotFound() from None
        except ZoneChanged:
            raise web.HTTPConflict() from None
        return _back(supplier, "removed")

    def _stale(
        self, visit: Visit, supplier: Supplier, form: ZoneForm, refusal: Refusal
    ) -> web.Response:
        said = words.of_refusal(refusal)
        return self._form_page(visit, supplier, form, status=409, problem=said)

    def _form_page(
        self,
        visit: Visit,
        supplier: Supplier,
        form: ZoneForm,
        *,
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        return self._desk.page(
            "delivery_zone.html",
            visit,
            here=HERE,
            status=status,
            supplier=supplier,
            form=form,
            back=f"{HERE}?{urlencode({'supplier': supplier.id})}",
            countries=words.countries(),
            speeds=words.SPEEDS,
            problem=problem,
        )

    async def _supplier(self, visit: Visit, asked: str) -> Supplier | None:
        """One's own; an admin's choice, None where there is none yet."""
        everyone = visit.may(Action.SEE_EVERYTHING)
        wanted = asked if everyone else visit.staff.supplier_id
        if everyone and not wanted:
            return None
        try:
            return await self._desk.database.read(lambda tx: suppliers.get(tx, wanted))
        except NoSuchSupplier:
            raise web.HTTPNotFound() from None

    async def _one_supplier(self, visit: Visit, asked: str) -> Supplier:
        supplier = await self._supplier(visit, asked)
        if supplier is None:
            raise web.HTTPNotFound()
        return supplier


async def _save(tx: Tx, zone: Zone, version: int, by: str) -> Zone:
    if version:
        return await shipping.edit_zone(tx, zone, expected_version=version, by=by)
    return await shipping.add_zone(tx, zone, by=by)


def _back(supplier: Supplier, said: str) -> web.Response:
    return see_other(f"{HERE}?{urlencode({'supplier': supplier.id, 'said': said})}")
