"""The pages that only show: products with their stock, and who works here."""

from __future__ import annotations

from aiohttp import web

from backoffice import pages, shelf
from backoffice.desk import Desk, Visit
from commerce import accounts
from commerce.accounts import Action


class Lists:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get("/backoffice/products", guarded(self.products, *pages.STOCK), allow_head=False),
            web.get(
                "/backoffice/staff", guarded(self.staff, Action.MANAGE_STAFF), allow_head=False
            ),
        ]

    async def products(self, request: web.Request, visit: Visit) -> web.Response:
        items = await self._desk.database.read(lambda tx: shelf.seen_by(tx, visit.staff))
        own = not any(visit.may(action) for action in pages.SELL)
        here = "/backoffice/products"
        return self._desk.page("products.html", visit, here=here, shelf=items, own=own)

    async def staff(self, request: web.Request, visit: Visit) -> web.Response:
        people = await self._desk.database.read(accounts.all_staff)
        return self._desk.page("staff.html", visit, here="/backoffice/staff", people=people)
