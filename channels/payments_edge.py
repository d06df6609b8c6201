"""Where payments meet HTTP: the providers' webhooks and the sandbox's pay page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from channels import payments_texts, web_texts, webhooks
from commerce import payments
from commerce.kernel import logs, money
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Database
from commerce.payments import Gateway, Gateways, sandbox_desk

log = logs.get(__name__)

TOKEN_CHARS_MAX = 128
REF = re.compile(r"[A-Za-z0-9_]{1,64}")  # a provider's name of a page
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
        # Some providers bring the fan back by a form.
        routes += [web.get("/pay/return", self._returned), web.post("/pay/return", self._returned)]
        routes += [
            web.get(f"/pay/{name}/{{ref}}", self._forward_of(gateway))
            for name, gateway in self._gateways.items()
            if isinstance(gateway, payments.Forwarding)
        ]
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

    def _forward_of(self, gateway: payments.Forwarding) -> webhooks.Handler:
        async def forward(request: web.Request) -> web.StreamResponse:
            ref = request.match_info["ref"]
            form = await gateway.form(ref) if REF.fullmatch(ref) else None
            if form is None:
                return self._render(request, "unknown.html", status=404)
            amount = money.format_money(form.amount_minor, form.currency, _language(request))
            page = self._render(request, "forward.html", form=form, amount=amount)
            page.headers["Content-Security-Policy"] = _may_post_to(form.action)
            return page

        return forward

    async def _page(self, request: web.Request) -> web.Response:
        token = _token(request)
        try:
            page = await self._database.read(lambda tx: sandbox_desk.look(tx, token))
        except sandbox_desk.NoSuchSession:
            return self._render(request, "unknown.html", status=404)
        session = page.session
        return self._render(
            request,
            "page.html",
            session=session,
            buttons=page.buttons,
            seconds_left=max(0, (session.expires_at - page.now) // SECOND),
            amount=_amount(request, session, session.money_minor),
            returned=_amount(request, session, session.refunded_minor),
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


def _may_post_to(action: str) -> str:
    """To any host: the provider may send the browser on from one of its hosts to another."""
    return (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {urlsplit(action).scheme}:"
    )


def _token(request: web.Request) -> str:
    """What is surely no token of ours asks the database for nothing, and finds nothing."""
    token = request.match_info["token"]
    well_formed = len(token) <= TOKEN_CHARS_MAX and token.isascii() and token.isprintable()
    return token if well_formed else ""


def _amount(request: web.Request, session: sandbox_desk.Session, amount_minor: int) -> str:
    return money.format_money(amount_minor, session.currency, _language(request))


def _language(request: web.Request) -> str:
    return web_texts.language_of(request.headers.get("Accept-Language", ""))
