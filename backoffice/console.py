"""The leader's pages: the list of sessions, starting one, and the console that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

import live
from backoffice import board, forms, pages, shelf, words
from backoffice.board import Board
from backoffice.desk import Desk, Visit, see_other
from backoffice.feed import Feeds
from backoffice.flash_forms import FlashForm
from commerce import accounts, orders
from commerce.accounts import Action
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.fanout import Fanout
from live import Session

Change = Callable[[Tx, Session], Awaitable[None]]
ORDERS_PER_PAGE = 50
PARTS = ("status", "pinned", "flash", "flash_offers", "numbers", "plot", "stock", "orders")
ONE = f"/backoffice/sessions/{{id:{forms.ID.pattern}}}"
SLUG = "{slug}"


@dataclass(frozen=True, slots=True)
class ShareLink:
    """Where a fan can enter; `pattern` has {slug} in place of the session's slug."""

    label: str
    pattern: str

    def to(self, session: Session) -> Mapping[str, str]:
        return {"label": self.label, "url": self.pattern.replace(SLUG, quote(session.slug))}


class Console:
    def __init__(
        self, desk: Desk, *, fanout: Fanout, feeds: Feeds, share_links: Sequence[ShareLink]
    ) -> None:
        self._desk = desk
        self._fanout = fanout
        self._feeds = feeds
        self._share_links = share_links

    def routes(self) -> list[web.AbstractRouteDef]:
        sell, run = pages.SELL, (Action.RUN_SESSION,)
        guarded = self._desk.guarded
        return [
            web.get("/backoffice", guarded(self.sessions, *pages.STOCK), allow_head=False),
            web.get("/backoffice/sessions/new", guarded(self.new, *run), allow_head=False),
            web.post("/backoffice/sessions/new", guarded(self.start, *run)),
            web.get(ONE, guarded(self.console, *sell), allow_head=False),
            web.get(f"{ONE}/feed", guarded(self.feed, *sell), allow_head=False),
            web.get(f"{ONE}/orders", guarded(self.orders, *sell), allow_head=False),
            web.post(f"{ONE}/go-live", guarded(self.go_live, *sell)),
            web.post(f"{ONE}/pin", guarded(self.pin, *sell)),
            web.post(f"{ONE}/unpin", guarded(self.unpin, *sell)),
            web.post(f"{ONE}/end", guarded(self.end, *sell)),
        ]

    async def sessions(self, request: web.Request, visit: Visit) -> web.Response:
        if not any(visit.may(action) for action in pages.SELL):
            return see_other("/backoffice/products")
        everyone = visit.may(Action.SEE_EVERYTHING)
        found = await self._desk.database.read(
            lambda tx: board.overview(tx, None if everyone else visit.staff.id)
        )
        return self._desk.page(
            "dashboard.html",
            visit,
            here="/backoffice",
            sessions=found,
            everyone=everyone,
            may_start=visit.may(Action.RUN_SESSION),
        )

    async def new(self, request: web.Request, visit: Visit) -> web.Response:
        return self._start_page(visit, forms.StartForm(), key=ids.new_id())

    def _start_page(
        self, visit: Visit, form: forms.StartForm, *, key: str, status: int = 200
    ) -> web.Response:
        return self._desk.page(
            "start.html",
            visit,
            status=status,
            form=form,
            key=key,
            kinds=forms.KINDS,
            title_max=forms.TITLE_MAX,
        )

    async def start(self, request: web.Request, visit: Visit) -> web.Response:
        form = forms.start_form(visit.fields)
        given = visit.fields.get("key", "")
        key = given if forms.ID.fullmatch(given) else ids.new_id()
        if form.errors:
            return self._start_page(visit, form, key=key, status=422)
        try:
            started = await self._desk.database.unit_of_work(
                lambda tx: live.start_session(
                    tx,
                    leader_id=visit.staff.id,
                    leader_name=visit.staff.name,
                    title=form.title,
                    stream=form.stream,
                    stream_kind=form.kind,
                    session_id=key,  # the form's own: sent twice it starts one session
                )
            )
        except (live.TitleMissing, live.StreamNotUnderstood) as refusal:
            return self._start_page(visit, form.refused(refusal), key=key, status=422)
        return see_other(f"/backoffice/sessions/{started.id}?said=started")

    async def console(self, request: web.Request, visit: Visit) -> web.Response:
        return await self.page(request, visit)

    async def page(
        self,
        request: web.Request,
        visit: Visit,
        *,
        form: FlashForm | None = None,
        status: int = 200,
    ) -> web.Response:
        """With the form of a flash price as it was sent, where something is wrong in it."""

        async def read(tx: Tx) -> tuple[Board, list[shelf.Item]]:
            session = await own(tx, request, visit)
            return await board.of(tx, session), await shelf.for_sale(tx, session.leader_id)

        seen, items = await self._desk.database.read(read)
        return self._desk.page(
            "console.html",
            visit,
            status=status,
            board=seen,
            flash_form=form,
            shelf=items,
            links=[link.to(seen.session) for link in self._share_links],
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
            problem=words.problem(request.query.get("problem", "")),
        )

    async def feed(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        async def read(tx: Tx) -> Board | None:
            # Asked anew each time: a feed ends with the session of the person who follows it.
            if await accounts.staff_of(tx, visit.token) is None:
                return None
            return await board.of(tx, await own(tx, request, visit))

        async def parts() -> Mapping[str, str] | None:
            seen = await self._desk.database.read(read)
            if seen is None:
                return None
            return {
                p: self._desk.render(
                    f"board_{p}.html", board=seen, csrf=visit.csrf, flash_form=None
                )
                for p in PARTS
            }

        session = await self._desk.database.read(lambda tx: own(tx, request, visit))
        return await self._feeds.follow(
            request, topic=f"session:{session.id}", person=visit.staff.id, parts=parts
        )

    async def orders(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> tuple[Session, int, list[board.Line]]:
            session = await own(tx, request, visit)
            counts = await orders.session_counts(tx, session.id)
            total = sum(tally.orders for tally in counts.values())
            last = page * ORDERS_PER_PAGE
            shown = await board.lines(tx, session.id, min(last, total))
            return session, total, shown[last - ORDERS_PER_PAGE :]

        page = forms.page_number(request.query.get("page", ""))
        session, total, lines = await self._desk.database.read(read)
        return self._desk.page(
            "orders.html",
            visit,
            session=session,
            lines=lines,
            total=total,
            page=page,
            pages=max(1, -(-total // ORDERS_PER_PAGE)),
        )

    async def go_live(self, request: web.Request, visit: Visit) -> web.Response:
        async def work(tx: Tx, session: Session) -> None:
            await live.go_live(tx, session.id, leader_id=session.leader_id)

        return await self._changed(request, visit, work, said="started")

    async def pin(self, request: web.Request, visit: Visit) -> web.Response:
        product = visit.fields.get("product", "")
        if not forms.ID.fullmatch(product):
            raise web.HTTPNotFound()

        async def work(tx: Tx, session: Session) -> None:
            minutes = forms.offer_minutes(visit.fields.get("minutes", ""))
            ends_at = None if minutes is None else clock.now() + minutes * clock.MINUTE
            await live.pin(tx, session.id, product, ends_at, leader_id=session.leader_id)

        return await self._changed(request, visit, work, said="pinned")

    async def unpin(self, request: web.Request, visit: Visit) -> web.Response:
        async def work(tx: Tx, session: Session) -> None:
            await live.unpin(tx, session.id, leader_id=session.leader_id)

        return await self._changed(request, visit, work, said="unpinned")

    async def end(self, request: web.Request, visit: Visit) -> web.Response:
        async def work(tx: Tx, session: Session) -> None:
            await live.end_session(tx, session.id, leader_id=session.leader_id)

        return await self._changed(request, visit, work, said="ended")

    async def _changed(
        self, request: web.Request, visit: Visit, work: Change, *, said: str
    ) -> web.Response:
        """Do it in one transaction and go back to the console, which says what came of it."""

        async def own_work(tx: Tx) -> None:
            await work(tx, await own(tx, request, visit))

        session_id = request.match_info["id"]
        try:
            await self._desk.database.unit_of_work(own_work)
        except (live.UnknownSession, live.NotYourSession):
            raise
        except Refusal as refusal:
            code = refusal.code if words.problem(refusal.code) else words.NOT_POSSIBLE
            return see_other(f"/backoffice/sessions/{session_id}?problem={code}")
        await live.nudge(self._fanout, session_id)
        return see_other(f"/backoffice/sessions/{session_id}?said={said}")


async def own(tx: Tx, request: web.Request, visit: Visit) -> Session:
    """The session of the address; somebody else's does not exist for a leader."""
    session = await live.session(tx, request.match_info["id"])
    if session.leader_id != visit.staff.id and not visit.may(Action.SEE_EVERYTHING):
        raise live.NotYourSession(session_id=session.id)
    return session
