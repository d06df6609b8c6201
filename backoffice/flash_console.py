"""Flash prices from the console: the leader starts what a supplier offered, and stops it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

import live
from backoffice import console, flash_forms, pages, words, words_flash
from backoffice.console import Console
from backoffice.desk import Desk, Visit, see_other
from backoffice.flash_forms import FlashForm
from commerce import promotions
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.fanout import Fanout
from live import Session


class FlashConsole:
    def __init__(self, desk: Desk, fanout: Fanout, of_session: Console) -> None:
        self._desk = desk
        self._fanout = fanout
        self._console = of_session

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.post(f"{console.ONE}/flash/start", guarded(self.start, *pages.SELL)),
            web.post(f"{console.ONE}/flash/stop", guarded(self.stop, *pages.SELL)),
        ]

    async def start(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        form = flash_forms.read(visit.fields)
        session, currency = await self._desk.database.read(
            lambda tx: _offered(tx, request, visit, form)
        )
        form = form.checked(currency)
        if not form.errors:
            form = await self._started(session, form, currency)
        if form.errors:
            return await self._console.page(request, visit, form=form, status=422)
        await live.nudge(self._fanout, session.id)
        return see_other(f"/backoffice/sessions/{session.id}?said=flash_started")

    async def _started(self, session: Session, form: FlashForm, currency: str) -> FlashForm:
        """Started, or the form with why not."""
        try:
            await self._desk.database.unit_of_work(
                lambda tx: live.start_flash(
                    tx,
                    form.flash_id,
                    session_id=session.id,
                    leader_id=session.leader_id,
                    terms=form.terms(currency),
                    expected_version=form.version,
                )
            )
        except Refusal as refusal:
            whole = words_flash.PROBLEMS.get(refusal.code) or words.of_refusal(refusal)
            refused = form.refused(refusal, currency)
            return refused if refused.errors else form.wrong(whole=whole)
        return form

    async def stop(self, request: web.Request, visit: Visit) -> web.Response:
        flash_id = visit.fields.get("flash", "")

        async def work(tx: Tx) -> Session:
            session = await console.own(tx, request, visit)
            await promotions.end_flash(tx, flash_id, leader_id=session.leader_id)
            return session

        session = await self._desk.database.unit_of_work(work)
        await live.nudge(self._fanout, session.id)
        return see_other(f"/backoffice/sessions/{session.id}?said=flash_stopped")


async def _offered(
    tx: Tx, request: web.Request, visit: Visit, form: FlashForm
) -> tuple[Session, str]:
    """The session, and the currency in which it was offered to its leader."""
    session = await console.own(tx, request, visit)
    offered: Mapping[str, promotions.Flash] = {
        one.id: one
        for one in (
            *await promotions.flashes_offered_to(tx, session.leader_id),
            *await promotions.flashes_in(tx, session.id),
        )
    }
    if form.flash_id not in offered:
        raise promotions.NotYourFlash(flash_id=form.flash_id)
    return session, offered[form.flash_id].currency
