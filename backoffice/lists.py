"""The page that only shows who works here."""

from __future__ import annotations

from aiohttp import web

from backoffice.desk import Desk, Visit
from commerce import accounts
from commerce.accounts import Action


class Lists:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(
                "/backoffice/staff", guarded(self.staff, Action.MANAGE_STAFF), allow_head=False
            ),
        ]

    async def staff(self, request: web.Request, visit: Visit) -> web.Response:
        people = await self._desk.database.read(accounts.all_staff)
        return self._desk.page("staff.html", visit, here="/backoffice/staff", people=people)
