"""Operations, for admins: what waits for a person, the story of what stopped, and the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from backoffice import attention, case_file, forms, words_operations
from backoffice.attention import Tile
from backoffice.case_file import About
from backoffice.cases import NoSuchCase
from backoffice.deeds import carried_out, said_of
from backoffice.desk import Desk, Visit
from backoffice.pages import OPERATIONS
from commerce import inventory
from commerce.accounts import Action
from commerce.kernel import (
    alerts,
    audit,
    ids,
    parked,
    saga,
    saga_history,
    saga_interventions,
)
from commerce.kernel.alerts import Alert
from commerce.kernel.audit import Entry, Intervention
from commerce.kernel.database import Tx
from commerce.kernel.parked import Event, Message
from commerce.kernel.saga import OPEN, Saga
from commerce.kernel.tables import SagaStatus

LISTED = 50  # of each kind on the overview
DEEDS_LISTED = 5
ONE = f"{OPERATIONS}/sagas/{{id:{forms.ID.pattern}}}"
GOING = (*OPEN, SagaStatus.PARKED)
ALERTS = f"{OPERATIONS}/alerts/resolve"
DEEDS = {
    "retry": (saga_interventions.retry, "retried"),
    "skip": (saga_interventions.skip, "skipped"),
    "compensate": (saga_interventions.compensate, "compensated"),
}


@dataclass(frozen=True, slots=True)
class Stopped:
    saga: Saga
    about: About

    @property
    def title(self) -> str:
        kind = words_operations.title_of(self.saga.kind)
        return f"{kind} of order {self.about.order.code}" if self.about.order else kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    tiles: Sequence[Tile]
    parked: Sequence[Stopped]
    stuck: Sequence[Stopped]
    events: Sequence[Event]
    messages: Sequence[Message]
    suspended: Sequence[inventory.Suspension]
    alerts: Sequence[Alert]
    deeds: Sequence[Entry]

    @property
    def total(self) -> int:
        return sum(tile.count for tile in self.tiles)


class Operations:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(OPERATIONS, guarded(self.overview, Action.OPERATE), allow_head=False),
            web.get(f"{OPERATIONS}/audit", guarded(self.audit, Action.OPERATE), allow_head=False),
            web.get(ONE, guarded(self.saga, Action.OPERATE), allow_head=False),
            web.post(f"{ONE}/{{deed:{'|'.join(DEEDS)}}}", guarded(self.decide, Action.OPERATE)),
            web.post(ALERTS, guarded(self.resolve_alert, Action.OPERATE)),
        ]

    async def overview(self, request: web.Request, visit: Visit) -> web.Response:
        seen = await self._desk.database.read(_overview)
        return self._desk.page(
            "operations/overview.html",
            visit,
            here=OPERATIONS,
            seen=seen,
            keys=[ids.new_id() for _ in seen.alerts],
            **said_of(request),
        )

    async def saga(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> tuple[saga_history.View | None, About, int]:
            view = await saga_history.view(tx, request.match_info["id"])
            about = await case_file.about(tx, view.saga.data) if view else About()
            return view, about, await tx.now()

        view, about, now = await self._desk.database.read(read)
        if view is None:
            raise web.HTTPNotFound
        waits = view.saga.status is SagaStatus.PARKED or saga_interventions.is_stuck(
            view.saga, now=now
        )
        return self._desk.page(
            "operations/saga.html",
            visit,
            here=OPERATIONS,
            view=view,
            stopped=Stopped(view.saga, about),
            standing=words_operations.standing_at(view),
            stuck=waits and view.saga.status is not SagaStatus.PARKED,
            choices=words_operations.will_happen(view) if waits else {},
            to_come=words_operations.to_come(view) if view.saga.status in GOING else (),
            key=ids.new_id(),
            **said_of(request),
        )

    async def decide(self, request: web.Request, visit: Visit) -> web.Response:
        saga_id = request.match_info["id"]
        deed, said = DEEDS[request.match_info["deed"]]
        return await carried_out(
            self._desk,
            visit,
            lambda tx, will: deed(tx, saga_id, will),
            page=f"{OPERATIONS}/sagas/{saga_id}",
            said=said,
        )

    async def audit(self, request: web.Request, visit: Visit) -> web.Response:
        page = forms.page_number(request.query.get("page", ""))
        # One more than a page shows tells whether there is another one.
        found = await self._desk.database.read(lambda tx: audit.recent(tx, page))
        more = await self._desk.database.read(lambda tx: audit.recent(tx, page + 1))
        return self._desk.page(
            "operations/audit.html",
            visit,
            here=OPERATIONS,
            entries=found,
            page=page,
            more=bool(more),
        )

    async def resolve_alert(self, request: web.Request, visit: Visit) -> web.Response:
        name, subject = visit.fields.get("name", ""), visit.fields.get("subject", "")

        async def deed(tx: Tx, will: Intervention) -> None:
            async def work() -> Mapping[str, str]:
                if not await alerts.resolve(tx, name, subject, audit.given(will.reason)):
                    raise NoSuchCase(subject=subject)
                return {"alert": name}

            about = f"alert:{name}:{subject}"
            await audit.once(tx, will, action="alert.resolved", subject=about, work=work)

        return await carried_out(self._desk, visit, deed, page=OPERATIONS, said="closed")


async def _overview(tx: Tx) -> Overview:
    return Overview(
        tiles=await attention.tiles(tx),
        parked=[await _stopped(tx, one) for one in await saga.parked(tx, LISTED)],
        stuck=[await _stopped(tx, one) for one in await saga.stuck(tx, LISTED)],
        events=await parked.events(tx, LISTED),
        messages=await parked.messages(tx, LISTED),
        suspended=await inventory.suspended(tx),
        alerts=await attention.open_alerts(tx),
        deeds=await audit.recent(tx, size=DEEDS_LISTED),
    )


async def _stopped(tx: Tx, found: Saga) -> Stopped:
    return Stopped(found, await case_file.about(tx, found.data))
