"""Flash prices: what a supplier offers to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from backoffice import flash_forms, forms, pages
from backoffice import words_flash as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.flash_forms import FlashForm
from commerce import accounts, catalog, promotions
from commerce.accounts import Action
from commerce.catalog import Product
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.promotions import Flash, FlashStatus

HERE = "/backoffice/flash"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}"
PRODUCTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Row:
    flash: Flash
    title: str
    label: str
    leader: str

    @property
    def open(self) -> bool:
        return self.flash.status in (FlashStatus.OFFERED, FlashStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a supplier may offer, and to whom."""

    products: Sequence[Product]
    leaders: Mapping[str, str]

    def currency_of(self, sku: str) -> str:
        """Empty for what is not the supplier's to offer."""
        skus = {v.sku: product.currency for product in self.products for v in product.variants}
        return skus.get(sku, "")


class FlashPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, may = self._desk.guarded, Action.PROMOTE
        return [
            web.get(HERE, guarded(self.list, may), allow_head=False),
            web.get(f"{HERE}/new", guarded(self.new, Action.EDIT_PRODUCTS), allow_head=False),
            web.post(f"{HERE}/new", guarded(self.offer, Action.EDIT_PRODUCTS)),
            web.post(f"{ONE}/withdraw", guarded(self.withdraw, Action.EDIT_PRODUCTS)),
        ]

    async def list(self, request: web.Request, visit: Visit) -> web.Response:
        said, problem = request.query.get("said", ""), request.query.get("problem", "")
        return self._desk.page(
            "flash.html",
            visit,
            here=HERE,
            rows=await self._desk.database.read(lambda tx: _rows(tx, visit)),
            may_offer=bool(visit.staff.supplier_id) and visit.may(Action.EDIT_PRODUCTS),
            may_withdraw=visit.may(Action.EDIT_PRODUCTS),
            status_of=words.STATUS,
            endings=words.ENDINGS,
            notice=words.NOTICES.get(said, ""),
            problem=words.PROBLEMS.get(problem, ""),
        )

    async def new(self, request: web.Request, visit: Visit) -> web.Response:
        form = flash_forms.empty(request.query.get("sku", "").replace("\0", ""))
        return await self._form_page(visit, form)

    async def _form_page(self, visit: Visit, form: FlashForm, *, status: int = 200) -> web.Response:
        choices = await self._desk.database.read(lambda tx: _choices(tx, visit))
        return self._desk.page(
            "flash_new.html", visit, here=HERE, status=status, form=form, choices=choices
        )

    async def offer(self, request: web.Request, visit: Visit) -> web.Response:
        form = flash_forms.read(visit.fields)
        choices = await self._desk.database.read(lambda tx: _choices(tx, visit))
        currency = choices.currency_of(form.sku)
        form = form.checked(currency or "EUR")
        if not currency:
            form = form.wrong(sku=words.SKU)
        if form.leader not in choices.leaders:
            form = form.wrong(leader=words.LEADER)
        if form.errors:
            return await self._form_page(visit, form, status=422)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: promotions.offer_flash(
                    tx,
                    flash_id=form.flash_id,
                    supplier_id=visit.staff.supplier_id,
                    leader_id=form.leader,
                    sku=form.sku,
                    terms=form.terms(currency),
                    per_fan=int(form.per_fan),
                )
            )
        except Refusal as refusal:
            refused = form.refused(refusal, currency)
            if not refused.errors:
                raise
            return await self._form_page(visit, refused, status=422)
        return see_other(f"{HERE}?said=offered")

    async def withdraw(self, request: web.Request, visit: Visit) -> web.Response:
        flash_id = request.match_info["id"]
        seen = visit.fields.get("version", "")
        version = int(seen) if flash_forms.VERSION.fullmatch(seen) else 0

        async def work(tx: Tx) -> None:
            supplier_id = visit.staff.supplier_id
            if visit.may(Action.SEE_EVERYTHING):
                every = await promotions.flashes_by(tx, None)
                supplier_id = next((f.supplier_id for f in every if f.id == flash_id), "")
            await promotions.withdraw_flash(
                tx, flash_id, supplier_id=supplier_id, expected_version=version
            )

        try:
            await self._desk.database.unit_of_work(work)
        except Refusal as refusal:
            if refusal.code not in words.PROBLEMS:
                raise
            return see_other(f"{HERE}?problem={refusal.code}")
        return see_other(f"{HERE}?said=withdrawn")


async def _rows(tx: Tx, visit: Visit) -> list[Row]:
    """An admin sees all; suppliers what they offered; leaders what they may start."""
    if visit.may(Action.SEE_EVERYTHING):
        flashes = await promotions.flashes_by(tx, None)
    elif visit.staff.supplier_id:
        flashes = await promotions.flashes_by(tx, visit.staff.supplier_id)
    else:
        flashes = await promotions.flashes_offered_to(tx, visit.staff.id)
    products = await catalog.products_of_skus(tx, sorted({flash.sku for flash in flashes}))
    names = {person.id: person.name for person in await accounts.all_staff(tx)}
    return [
        Row(
            flash,
            products[flash.sku].title if flash.sku in products else flash.sku,
            _label(products.get(flash.sku), flash.sku),
            names.get(flash.leader_id, ""),
        )
        for flash in flashes
    ]


def _label(product: Product | None, sku: str) -> str:
    if product is None or len(product.variants) == 1:
        return ""
    return next((v.label or pages.ONE_SIZE for v in product.variants if v.sku == sku), "")


async def _choices(tx: Tx, visit: Visit) -> Choices:
    if not visit.staff.supplier_id:
        raise accounts.NotAllowed(action=Action.EDIT_PRODUCTS.value)
    page = await catalog.products_page(
        tx,
        supplier_id=visit.staff.supplier_id,
        statuses=(catalog.Status.PUBLISHED, catalog.Status.UNLISTED),
        most=PRODUCTS_MAX,
    )
    people = [one for one in await accounts.all_staff(tx) if one.enabled]
    leaders = {one.id: one.name for one in people if accounts.Role.LEADER in one.roles}
    return Choices(page, leaders)
