"""The pictures of a product: several are sent at once, put in order, and given to variants."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.web_request import FileField

from backoffice import forms, pages, stock, words_pictures
from backoffice.desk import Desk, Visit, see_other
from commerce import catalog
from commerce.accounts import Action, Staff, may
from commerce.catalog import NoSuchProduct, NotYourProduct, Product
from commerce.kernel.database import Tx
from commerce.kernel.errors import Outage, Refusal

HERE = "/backoffice/products"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}/pictures"
BYTES_MAX = 60 * 1024 * 1024  # of all that is sent at once; each picture has its own limit
NAME_MAX = 60


class PicturesPages:
    def __init__(self, desk: Desk, media: catalog.Media) -> None:
        self._desk = desk
        self._media = media

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, edit = self._desk.guarded, Action.EDIT_PRODUCTS
        adding = guarded(self.add, edit, files=True, bytes_max=BYTES_MAX)
        return [
            web.get(ONE, guarded(self.pictures, edit), allow_head=False),
            web.post(ONE, adding),
            web.post(f"{ONE}/arrange", guarded(self.arrange, edit)),
        ]

    async def pictures(self, request: web.Request, visit: Visit) -> web.Response:
        product = await self._product(request, visit)
        notice = words_pictures.NOTICES.get(request.query.get("said", ""), "")
        return self._page(visit, product, notice=notice)

    async def add(self, request: web.Request, visit: Visit) -> web.Response:
        """Each file by itself: what is wrong with one keeps no other from being taken."""
        product = await self._product(request, visit)
        form = await request.post()
        files = [f for f in form.getall("picture", ()) if isinstance(f, FileField) and f.filename]
        wrong = {} if files else {"": words_pictures.NO_FILE}
        for file in files:
            if problem := await self._added(visit, product.id, file.file.read()):
                wrong[file.filename.replace("\0", "")[-NAME_MAX:]] = problem
        if request.headers.get("Accept") == "application/json":
            status = 422 if wrong else 200
            return web.json_response({"problem": " ".join(wrong.values())}, status=status)
        if not wrong:
            return see_other(f"{HERE}/{product.id}/pictures?said=added")
        now = await self._product(request, visit)
        return self._page(visit, now, wrong=wrong, status=422)

    async def _added(self, visit: Visit, product_id: str, content: bytes) -> str:
        """What is wrong with it; empty where it was taken."""
        try:
            await self._media.add(product_id, content, supplier_id=acts_for(visit.staff))
        except Refusal as refusal:
            return words_pictures.of_refusal(refusal)
        except Outage:
            return words_pictures.BUSY
        return ""

    async def arrange(self, request: web.Request, visit: Visit) -> web.Response:
        product = await self._product(request, visit)
        order = arranged(visit.fields)
        looks = {v.sku: visit.fields.get(f"of.{v.sku}", v.image) for v in product.variants}

        async def work(tx: Tx) -> Product:
            return await catalog.arrange(
                tx,
                product.id,
                pictures=order,
                of_variants={sku: path if path in order else "" for sku, path in looks.items()},
                expected_version=_version(visit.fields),
                supplier_id=acts_for(visit.staff),
            )

        try:
            await self._desk.database.unit_of_work(work)
        except Refusal as refusal:
            now = await self._product(request, visit)
            problem = words_pictures.of_refusal(refusal)
            return self._page(visit, now, problem=problem, status=409)
        return see_other(f"{HERE}/{product.id}/pictures?said=saved")

    async def _product(self, request: web.Request, visit: Visit) -> Product:
        """One's own; of others there is none."""

        async def read(tx: Tx) -> Product:
            return await stock.product_of(tx, visit.staff, request.match_info["id"])

        try:
            return await self._desk.database.read(read)
        except (NoSuchProduct, NotYourProduct):
            raise web.HTTPNotFound from None

    def _page(
        self,
        visit: Visit,
        product: Product,
        *,
        status: int = 200,
        notice: str = "",
        problem: str = "",
        wrong: Mapping[str, str] | None = None,
    ) -> web.Response:
        return self._desk.page(
            "pictures.html",
            visit,
            here=HERE,
            status=status,
            product=product,
            one_size=pages.ONE_SIZE,
            wrong=wrong or {},
            too_large=words_pictures.TOO_LARGE,
            notice=notice,
            problem=problem,
        )


def acts_for(staff: Staff) -> str | None:
    """The supplier whose products this person may change; None = everybody's."""
    return None if may(staff, Action.SEE_EVERYTHING) else staff.supplier_id


def arranged(fields: Mapping[str, str]) -> list[str]:
    """The pictures as the form has them, after the button that was pressed."""
    order: list[str] = []
    while (path := fields.get(f"picture.{len(order)}")) is not None:
        order.append(path)
    deed, _, place = fields.get("do", "").partition(":")
    at = int(place) if place.isdecimal() and len(place) < 4 else len(order)
    if at >= len(order):
        return order
    path = order.pop(at)
    to = {"first": 0, "up": max(at - 1, 0), "down": at + 1}.get(deed)
    if to is not None:
        order.insert(to, path)
    return order


def _version(fields: Mapping[str, str]) -> int:
    given = fields.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0
