"""What products are sorted by: the tree of categories, and brands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from backoffice import forms, product_forms
from backoffice import words_products as words
from backoffice.desk import Desk, Visit, see_other
from commerce import catalog
from commerce.accounts import Action
from commerce.catalog import Brand, Category, TaxCategory
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal

HERE = "/backoffice/categories"
NAME_MAX = 80
Work = Callable[[Tx], Awaitable[Any]]


class CategoryPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, arrange = self._desk.guarded, Action.ARRANGE_CATALOG
        return [
            web.get(HERE, guarded(self.groups, arrange), allow_head=False),
            web.post(HERE, guarded(self.put_category, arrange)),
            web.post(f"{HERE}/brands", guarded(self.put_brand, arrange)),
        ]

    async def groups(self, request: web.Request, visit: Visit) -> web.Response:
        return await self._page(
            visit,
            opened=request.query.get("edit", ""),
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
        )

    async def _page(
        self,
        visit: Visit,
        *,
        opened: str = "",
        sent: Mapping[str, str] | None = None,
        status: int = 200,
        **said: str,
    ) -> web.Response:
        """`sent` is a form that was refused: it opens again with what was typed."""

        async def read(tx: Tx) -> tuple[list[Category], list[Brand]]:
            return await catalog.categories(tx), await catalog.brands(tx)

        tree, brands = await self._desk.database.read(read)
        return self._desk.page(
            "categories.html",
            visit,
            here="/backoffice/products",
            status=status,
            tree=tree,
            brands=brands,
            opened=opened,
            sent=sent or {},
            taxes=words.TAXES,
            keys={"category": ids.new_id(), "brand": ids.new_id()},
            name_max=NAME_MAX,
            **said,
        )

    async def put_category(self, request: web.Request, visit: Visit) -> web.Response:
        sent, version = visit.fields, _version(visit)
        tax = sent.get("tax_category", "")
        if tax not in words.TAXES:
            raise web.HTTPBadRequest()
        asked: dict[str, Any] = {
            "name": sent.get("name", ""),
            "parent_id": sent.get("parent", ""),
            "tax_category": TaxCategory(tax),
        }
        category = _id(visit)

        async def work(tx: Tx) -> None:
            if "delete" in sent:
                await catalog.delete_category(tx, category, expected_version=version)
            elif version:
                await catalog.edit_category(tx, category, expected_version=version, **asked)
            else:
                await catalog.create_category(tx, category_id=category, **asked)

        return await self._carried_out(visit, work, "category")

    async def put_brand(self, request: web.Request, visit: Visit) -> web.Response:
        sent, version, brand = visit.fields, _version(visit), _id(visit)
        name = sent.get("name", "")

        async def work(tx: Tx) -> None:
            if "delete" in sent:
                await catalog.delete_brand(tx, brand, expected_version=version)
            elif version:
                await catalog.edit_brand(tx, brand, name=name, expected_version=version)
            else:
                await catalog.create_brand(tx, brand_id=brand, name=name)

        return await self._carried_out(visit, work, "brand")

    async def _carried_out(self, visit: Visit, work: Work, kind: str) -> web.Response:
        try:
            await self._desk.database.unit_of_work(work)
        except Refusal as refusal:
            said = words.of_refusal(refusal) or words.problem("illegal_move")
            sent = {**visit.fields, "kind": kind, "problem": said}
            return await self._page(visit, opened=_id(visit), sent=sent, status=409)
        said = "gone" if "delete" in visit.fields else kind
        return see_other(f"{HERE}?said={said}")


def _id(visit: Visit) -> str:
    """Of what is changed, or of what the form is to make: sent twice it makes one."""
    given = visit.fields.get("id", "")
    if not forms.ID.fullmatch(given):
        raise web.HTTPBadRequest()
    return given


def _version(visit: Visit) -> int:
    """0 for what is new."""
    given = visit.fields.get("version", "")
    return int(given) if product_forms.WHOLE.fullmatch(given) else 0
