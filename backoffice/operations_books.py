"""Our books against the reports of providers, for admins: what disagrees, and who owes what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from backoffice import forms
from backoffice.deeds import carried_out, said_of
from backoffice.desk import Desk, Visit
from backoffice.pages import OPERATIONS
from commerce import checkout
from commerce.accounts import Action
from commerce.checkout import DifferenceAct, DifferenceKind, Explanation, Found, Owed, Run
from commerce.kernel import ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx

BOOKS = f"{OPERATIONS}/books"
ONE = f"{BOOKS}/{{id:{forms.ID.pattern}}}"
RUNS_LISTED = 14
CLOSED = {"explain": DifferenceAct.EXPLAIN, "resolve": DifferenceAct.RESOLVE}


@dataclass(frozen=True, slots=True)
class Told:
    """A difference with its words."""

    found: Found
    said: Explanation

    @property
    def payout(self) -> bool:
        return self.found.difference.kind is DifferenceKind.PAYOUT_UNCONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    open: Sequence[Told]
    runs: Sequence[Run]
    owed: Sequence[Owed]


class OperationsBooks:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(BOOKS, guarded(self.books, Action.OPERATE), allow_head=False),
            web.post(
                f"{ONE}/{{deed:explain|resolve|confirm}}", guarded(self.decide, Action.OPERATE)
            ),
        ]

    async def books(self, request: web.Request, visit: Visit) -> web.Response:
        seen = await self._desk.database.read(_books)
        return self._desk.page(
            "operations/books.html",
            visit,
            here=OPERATIONS,
            seen=seen,
            keys={told.found.id: ids.new_id() for told in seen.open},
            **said_of(request),
        )

    async def decide(self, request: web.Request, visit: Visit) -> web.Response:
        difference_id, name = request.match_info["id"], request.match_info["deed"]

        async def deed(tx: Tx, will: Intervention) -> None:
            if name == "confirm":
                await checkout.confirm_payout(tx, will, difference_id)
            else:
                await checkout.close_difference(tx, will, difference_id, CLOSED[name])

        return await carried_out(self._desk, visit, deed, page=BOOKS, said="closed")


async def _books(tx: Tx) -> Books:
    found = await checkout.open_differences(tx)
    runs = await checkout.runs(tx, RUNS_LISTED)
    owed = [
        one
        for provider in sorted({run.provider for run in runs})
        for one in await checkout.owed(tx, provider)
    ]
    return Books(
        open=[Told(one, checkout.explain(one.difference, one.provider)) for one in found],
        runs=runs,
        owed=owed,
    )
