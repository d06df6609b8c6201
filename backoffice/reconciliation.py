"""Comparisons with providers' reports, for admins: how well they agree, each one, and a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_request import FileField

from backoffice import forms, plot
from backoffice.deeds import said_of
from backoffice.desk import Desk, Visit, see_other
from backoffice.operations_books import BOOKS, Told
from backoffice.pages import OPERATIONS
from backoffice.plot import Compared
from commerce import checkout, payments
from commerce.accounts import Action
from commerce.checkout import Run
from commerce.kernel import ids
from commerce.kernel.database import Tx

RUNS = f"{BOOKS}/runs"
ONE = f"{RUNS}/{{id:{forms.ID.pattern}}}"
RUNS_LISTED = 90
FILE_BYTES_MAX = 3 * 1024 * 1024
NAME_MAX = 80
NO_FILE = "Choose the report's file first."
NO_TEXT = "This file is no text in UTF-8. Reports are CSV files."
TOO_LARGE = "This file is larger than 3 MB. `livetill doctor` takes larger ones."


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    run: Run
    told: Sequence[Told]


class Reconciliation:
    def __init__(self, desk: Desk, gateways: payments.Gateways) -> None:
        self._desk = desk
        self._gateways = gateways

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(RUNS, guarded(self.runs, Action.OPERATE), allow_head=False),
            web.post(RUNS, guarded(self.compare, Action.OPERATE, files=True)),
            web.get(ONE, guarded(self.run, Action.OPERATE), allow_head=False),
        ]

    async def runs(self, request: web.Request, visit: Visit) -> web.Response:
        return await self._runs(visit, **said_of(request))

    async def _runs(
        self, visit: Visit, *, problem: str = "", notice: str = "", status: int = 200
    ) -> web.Response:
        found = await self._desk.database.read(lambda tx: checkout.runs(tx, RUNS_LISTED))
        return self._desk.page(
            "operations/runs.html",
            visit,
            here=OPERATIONS,
            status=status,
            runs=found,
            plots=_plots(found),
            providers=checkout.reporting_providers(self._gateways),
            chosen=visit.fields.get("provider", ""),
            problem=problem,
            notice=notice,
        )

    async def run(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> Detail | None:
            run = await checkout.run(tx, request.match_info["id"])
            if run is None:
                return None
            found = await checkout.differences_of(tx, run.id)
            told = [Told(one, checkout.explain(one.difference, one.provider)) for one in found]
            return Detail(run=run, told=told)

        detail = await self._desk.database.read(read)
        if detail is None:
            raise web.HTTPNotFound
        return self._desk.page(
            "operations/run.html",
            visit,
            here=OPERATIONS,
            detail=detail,
            shares={currency: share(total) for currency, total in detail.run.totals.items()},
            keys={told.found.id: ids.new_id() for told in detail.told},
            **said_of(request),
        )

    async def compare(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """A report's file; what is wrong with it is said above the same form."""
        form = await request.post()
        file = form.get("report")
        try:
            name, text = _text_of(file)
            run = await checkout.compare_file(
                self._desk.database,
                self._gateways,
                visit.fields.get("provider", ""),
                text,
                name=name,
            )
        except FileRefused as refused:
            return await self._runs(visit, problem=str(refused), status=422)
        except payments.MalformedReport as refusal:
            words = f"This is no report of that provider: {checkout.malformed(refusal)}."
            return await self._runs(visit, problem=words, status=422)
        except (checkout.EmptyReport, checkout.NoReport, checkout.ComparingNow) as refusal:
            return await self._runs(visit, problem=WRONG[refusal.code], status=422)
        return see_other(f"{RUNS}/{run.id}")


class FileRefused(Exception):
    """What was sent is no file that can be read; the message says why, for a person."""


WRONG: Mapping[str, str] = {
    checkout.EmptyReport.code: "This report has no lines.",
    checkout.NoReport.code: "Choose a provider that gives reports.",
    checkout.ComparingNow.code: "Somebody compares this very file now. Look again in a moment.",
}


def _text_of(file: object) -> tuple[str, str]:
    """The name and the text of an uploaded file."""
    if not isinstance(file, FileField) or not file.filename:
        raise FileRefused(NO_FILE)
    content = file.file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise FileRefused(TOO_LARGE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(NO_TEXT) from None
    return file.filename.replace("\0", "")[-NAME_MAX:], text


def share(total: checkout.Total) -> str:
    """How much of the value agrees, never rounded up to all of it."""
    whole = total.matched_minor + total.unmatched_minor
    if not total.unmatched_minor:
        return "100 %"
    hundredths = total.matched_minor * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def _plots(runs: Sequence[Run]) -> dict[tuple[str, str], Compared]:
    """By provider and currency: amounts of two currencies have no common height."""
    found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for run in runs:
        for currency, total in run.totals.items():
            values = (run.since, total.matched_minor, total.unmatched_minor)
            found.setdefault((run.provider, currency), []).append(values)
    return {key: plot.per_day(values) for key, values in sorted(found.items())}
