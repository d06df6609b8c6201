"""Sheets of products: brought, shown with all they would change, saved, and taken away again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField

from backoffice import forms, pages, words_sheets
from backoffice.desk import Desk, Visit, see_other
from backoffice.pictures_pages import acts_for
from commerce import catalog, suppliers
from commerce.accounts import Action, Staff, may
from commerce.catalog import Form, Import, ImportStatus, ItemStatus, SheetRefused, Status
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.machine import IllegalMove

HERE = "/backoffice/products"
IMPORTS = "/backoffice/imports"
ONE = f"{IMPORTS}/{{id:{forms.ID.pattern}}}"
EXPORT = f"{HERE}/export/{{form:csv|xlsx}}"
BYTES_MAX = 11 * 1024 * 1024
LISTED = 30
PER_PAGE = 50
ERRORS_MAX = 50_000  # of one file, which has fewer lines
KINDS = {
    Form.CSV: "text/csv",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHOWN = {
    "wrong": (ItemStatus.WRONG, ItemStatus.REFUSED),
    "right": (ItemStatus.WAITING, ItemStatus.APPLIED),
}
FOR_SALE = (Status.PUBLISHED, Status.UNLISTED)


class SheetsPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, edit = self._desk.guarded, Action.EDIT_PRODUCTS
        bringing = guarded(self.bring, edit, files=True, bytes_max=BYTES_MAX)
        return [
            web.get(EXPORT, guarded(self.export, *pages.STOCK), allow_head=False),
            web.get(IMPORTS, guarded(self.imports, edit), allow_head=False),
            web.post(IMPORTS, bringing),
            web.get(ONE, guarded(self.one, edit), allow_head=False),
            web.get(f"{ONE}/progress", guarded(self.progress, edit), allow_head=False),
            web.get(f"{ONE}/errors.csv", guarded(self.errors, edit), allow_head=False),
            web.post(f"{ONE}/confirm", guarded(self.confirm, edit)),
            web.post(f"{ONE}/cancel", guarded(self.cancel, edit)),
        ]

    async def export(self, request: web.Request, visit: Visit) -> web.Response:
        """What this person sees in the list of products, as a sheet."""
        form = Form(request.match_info["form"])
        own, statuses = _seen_by(visit.staff)
        try:
            writing = await self._desk.database.read(
                lambda tx: catalog.sheet_of(tx, form, supplier_id=own, statuses=statuses)
            )
            content = await asyncio.to_thread(writing)
        except SheetRefused as refusal:
            problem = words_sheets.unreadable(refusal.facts["reason"], refusal.facts)
            return self._desk.error(409, visit, "Too much for one sheet", problem)
        return _file(content, f"products.{form}", KINDS[form])

    async def imports(self, request: web.Request, visit: Visit) -> web.Response:
        return await self._imports(visit, notice=_said(request))

    async def _imports(
        self, visit: Visit, *, problem: str = "", notice: str = "", status: int = 200
    ) -> web.Response:
        own = acts_for(visit.staff)

        async def read(tx: Tx) -> tuple[list[Import], list[suppliers.Supplier]]:
            found = await catalog.imports(tx, supplier_id=own, most=LISTED)
            sellers = await suppliers.suppliers(tx, None if own is None else [own])
            return found, sellers

        found, sellers = await self._desk.database.read(read)
        return self._desk.page(
            "imports.html",
            visit,
            here=HERE,
            status=status,
            imports=found,
            suppliers=sellers,
            names={seller.id: seller.name for seller in sellers},
            chosen=visit.fields.get("supplier", ""),
            statuses=words_sheets.STATUS,
            columns=words_sheets.COLUMNS,
            key=ids.new_id(),
            problem=problem,
            notice=notice,
        )

    async def bring(self, request: web.Request, visit: Visit) -> web.Response:
        """A file, taken in at once and read afterwards; what is wrong is said above the form."""
        file = (await request.post()).get("sheet")
        own = acts_for(visit.staff)
        supplier = visit.fields.get("supplier", "") if own is None else own
        known = await self._desk.database.read(lambda tx: suppliers.suppliers(tx, [supplier]))
        if not known:
            return await self._imports(visit, problem=words_sheets.NO_SUPPLIER, status=422)
        if not isinstance(file, FileField) or not file.filename:
            return await self._imports(visit, problem=words_sheets.NO_FILE, status=422)
        name, content = file.filename.replace("\0", ""), file.file.read()
        key = visit.fields.get("key", "")
        try:
            brought = await self._desk.database.unit_of_work(
                lambda tx: catalog.bring_sheet(
                    tx,
                    key=key if forms.ID.fullmatch(key) else ids.new_id(),
                    supplier_id=supplier,
                    by=visit.staff.id,
                    name=name,
                    content=content,
                )
            )
        except SheetRefused as refusal:
            problem = words_sheets.unreadable(refusal.facts["reason"], refusal.facts)
            return await self._imports(visit, problem=problem, status=422)
        except KeyReused:
            return await self._imports(visit, status=409)
        return see_other(f"{IMPORTS}/{brought.id}")

    async def one(self, request: web.Request, visit: Visit) -> web.Response:
        problem = words_sheets.PROBLEMS.get(request.query.get("problem", ""), "")
        return await self._one(request, visit, problem)

    async def _one(self, request: web.Request, visit: Visit, problem: str) -> web.Response:
        found = await self._import(request, visit)
        usual = "wrong" if found.wrong or found.refused else "right"
        shown = request.query.get("show", usual)
        statuses = SHOWN.get(shown, SHOWN["right"])
        given = request.query.get("after", "")
        after = int(given) if given.isdecimal() and len(given) < 10 else 0
        items = await self._desk.database.read(
            lambda tx: catalog.import_items(
                tx, found.id, statuses=statuses, most=PER_PAGE + 1, after=after
            )
        )
        return self._desk.page(
            "import.html",
            visit,
            here=HERE,
            found=found,
            items=items[:PER_PAGE],
            more=items[PER_PAGE - 1].seq if len(items) > PER_PAGE else None,
            after=after,
            shown=shown if shown in SHOWN else "right",
            problem=problem,
            **_words(found),
        )

    async def progress(self, request: web.Request, visit: Visit) -> web.Response:
        """The part of the page that changes while a sheet is worked off."""
        found = await self._import(request, visit)
        html = self._desk.render("import_progress.html", found=found, **_words(found))
        response = web.Response(text=html, content_type="text/html")
        response.headers["Cache-Control"] = "no-store"
        return response

    async def errors(self, request: web.Request, visit: Visit) -> web.Response:
        found = await self._import(request, visit)
        items = await self._desk.database.read(
            lambda tx: catalog.import_items(tx, found.id, statuses=SHOWN["wrong"], most=ERRORS_MAX)
        )
        rows = [
            [
                str(wrong.line),
                words_sheets.column(wrong.column),
                wrong.written,
                words_sheets.error(wrong.code, wrong.facts),
            ]
            for item in items
            for wrong in item.errors
        ]
        rows.sort(key=lambda row: int(row[0]))
        content = catalog.written_table(("line", "column", "written", "problem"), rows, Form.CSV)
        return _file(content, "errors.csv", KINDS[Form.CSV])

    async def confirm(self, request: web.Request, visit: Visit) -> web.Response:
        found = await self._import(request, visit)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: catalog.confirm_import(tx, found.id, supplier_id=found.supplier_id)
            )
        except IllegalMove:
            return see_other(f"{IMPORTS}/{found.id}?problem=not_ready")
        return see_other(f"{IMPORTS}/{found.id}")

    async def cancel(self, request: web.Request, visit: Visit) -> web.Response:
        found = await self._import(request, visit)
        try:
            await self._desk.database.unit_of_work(
                lambda tx: catalog.cancel_import(tx, found.id, supplier_id=found.supplier_id)
            )
        except IllegalMove:
            return see_other(f"{IMPORTS}/{found.id}?problem=not_ready")
        return see_other(f"{IMPORTS}?said=cancelled")

    async def _import(self, request: web.Request, visit: Visit) -> Import:
        """One's own; of others there is none."""

        async def read(tx: Tx) -> Import:
            own = acts_for(visit.staff)
            return await catalog.imported(tx, request.match_info["id"], supplier_id=own)

        try:
            return await self._desk.database.read(read)
        except Refusal:
            raise web.HTTPNotFound from None


def _seen_by(staff: Staff) -> tuple[str | None, tuple[Status, ...]]:
    """As the list of products: a supplier's own, a leader's all that is for sale."""
    if may(staff, Action.SEE_EVERYTHING):
        return None, tuple(Status)
    if may(staff, Action.RUN_SESSION):
        return None, FOR_SALE
    return staff.supplier_id, tuple(Status)


def _said(request: web.Request) -> str:
    return words_sheets.NOTICES.get(request.query.get("said", ""), "")


def _words(found: Import) -> Mapping[str, Any]:
    unreadable = found.status is ImportStatus.UNREADABLE
    return {
        "statuses": words_sheets.STATUS,
        "column": words_sheets.column,
        "error": words_sheets.error,
        "unreadable": words_sheets.unreadable(found.problem, found.facts) if unreadable else "",
    }


def _file(content: bytes, name: str, kind: str) -> web.Response:
    response = web.Response(body=content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
