"""Where payments meet HTTP: the providers' webhooks and the sandbox's pay page."""

from __future__ import annotations

from typing import Any

import jinja2
from aiohttp import web

from channels import payments_texts, web_texts, webhooks
from commerce import payments
from commerce.kernel import logs, money
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Database, Tx
from commerce.payments import Gateway, Gateways, sandbox_desk

log = logs.get(__name__)

TOKEN_CHARS_MAX = 128
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address is the right to pay
    "Vary": "Accept-Language",
}


class PaymentsEdge:
    """One webhook route per gateway; the pay page where the sandbox is one of them."""

    def __init__(
        self, *, database: Database, gateways: Gateways, templates: jinja2.Environment
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._templates = templates

    def routes(self) -> list[web.AbstractRouteDef]:
        routes: list[web.AbstractRouteDef] = [
            web.post(f"/webhooks/{name}", webhooks.guarded(name, self._webhook_of(gateway)))
            for name, gateway in self._gateways.items()
        ]
        routes.append(web.get("/pay/return", self._returned))
        if "sandbox" in self._gateways:
            routes += [web.get("/pay/{token}", self._page), web.post("/pay/{token}", self._press)]
        return routes

    def _webhook_of(self, gateway: Gateway) -> webhooks.Handler:
        async def webhook(request: web.Request) -> web.StreamResponse:
            return await self._webhook(gateway, request)

        return webhook

    async def _webhook(self, gateway: Gateway, request: web.Request) -> web.StreamResponse:
        body = await webhooks.raw_body(request)
        if isinstance(gateway, payments.Preparing):
            await gateway.prepare(request.headers)
        try:
            event = gateway.verify(request.headers, body)
            if isinstance(gateway, payments.Completing):
                event = await gateway.complete(event)
            # Answered only when it is committed: what is not acknowledged is sent again.
            await self._database.unit_of_work(
                lambda tx: payments.record_event(tx, gateway.name, event)
            )
        except payments.BadSignature as no:
            reason = f"signature_{no.facts['reason']}"
            webhooks.REJECTED.labels(gateway.name, reason).inc()
            log.warning("webhook_rejected", channel=gateway.name, reason=reason)
            return web.Response(status=401)
        except payments.MalformedEvent:
            raise webhooks.Rejected("malformed") from None
        return web.json_response({"received": True})

    async def _page(self, request: web.Request) -> web.Response:
        token = _token(request)
        try:
            session, now = await self._database.read(lambda tx: _look(tx, token))
        except sandbox_desk.NoSuchSession:
            return self._render(request, "unknown.html", status=404)
        return self._render(
            request,
            "page.html",
            session=session,
            seconds_left=max(0, (session.expires_at - now) // SECOND),
            amount=money.format_money(session.amount_minor, session.currency, _language(request)),
        )

    async def _press(self, request: web.Request) -> web.Response:
        token = _token(request)
        form = await request.post()
        try:
            button = sandbox_desk.Button(str(form.get("button", "")))
        except ValueError:
            return web.Response(status=400)
        try:
            await self._database.unit_of_work(lambda tx: sandbox_desk.press(tx, token, button))
        except sandbox_desk.NoSuchSession:
            return self._render(request, "unknown.html", status=404)
        raise web.HTTPSeeOther(f"/pay/{token}", headers=HEADERS)

    async def _returned(self, request: web.Request) -> web.Response:
        return self._render(request, "returned.html")

    def _render(
        self, request: web.Request, name: str, *, status: int = 200, **values: Any
    ) -> web.Response:
        language = _language(request)
        html = self._templates.get_template(f"pay/{name}").render(
            texts=payments_texts.PAGE[language], language=language, **values
        )
        return web.Response(text=html, content_type="text/html", status=status, headers=HEADERS)


def _token(request: web.Request) -> str:
    """What is surely no token of ours asks the database for nothing, and finds nothing."""
    token = request.match_info["token"]
    well_formed = len(token) <= TOKEN_CHARS_MAX and token.isascii() and token.isprintable()
    return token if well_formed else ""


async def _look(tx: Tx, token: str) -> tuple[sandbox_desk.Session, int]:
    return await sandbox_desk.look(tx, token), await tx.now()


def _language(request: web.Request) -> str:
    return web_texts.language_of(request.headers.get("Accept-Language", ""))
