"""The web application around a till: routes, headers, health, and an end that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware
from sqlalchemy import select

from backoffice import Backoffice, ShareLink
from channels.payments_edge import PaymentsEdge
from channels.storefront import Storefront
from channels.web import FRAME_SOURCES
from commerce.kernel import alerts, attention, clock, ids, logs, metrics
from commerce.kernel.columns import db_now
from commerce.kernel.errors import Outage
from deploy import pictures
from deploy.settings import Settings
from deploy.wiring import TEMPLATES, Till

BODY_BYTES_MAX = 3 * 1024 * 1024
STATIC_SECONDS = 3600
ANYTHING = select(db_now())  # only a database that answers knows
log = logs.get(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUESTS = metrics.counter("livetill_http_requests_total", "HTTP requests", ["route", "status"])
REQUEST_SECONDS = metrics.histogram("livetill_http_seconds", "HTTP requests", ["route"])

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
        f"frame-src {' '.join(FRAME_SOURCES)}; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HSTS = "max-age=31536000; includeSubDomains"


def build(till: Till) -> web.Application:
    """All routes; the till is started and closed by whoever runs the application."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_middleware(till.settings)])
    backoffice = Backoffice(
        database=till.database,
        templates=till.templates,
        fanout=till.fanout,
        secret_key=till.settings.secret_key.get_secret_value(),
        public_url=till.settings.url,
        share_links=share_links(till.settings),
        gateways=till.gateways,
        media=till.media,
    )
    payments_edge = PaymentsEdge(
        database=till.database, gateways=till.gateways, templates=till.templates
    )
    app.add_routes(Storefront(database=till.database, templates=till.templates).routes())
    app.add_routes(till.web.routes())
    app.add_routes(payments_edge.routes())
    app.add_routes(backoffice.routes())
    for channel in till.channels:
        app.add_routes(channel.routes())
    app.add_routes(_own_routes(till))
    app.add_routes(pictures.routes(till.media.storage))
    till.settings.media_dir.mkdir(parents=True, exist_ok=True)
    app.router.add_static("/static", TEMPLATES / "static")
    app.router.add_static("/media", till.settings.media_dir)

    async def end_feeds(_: web.Application) -> None:
        backoffice.close()
        await till.web.close()

    app.on_shutdown.append(end_feeds)
    return app


def share_links(settings: Settings) -> list[ShareLink]:
    """Where fans can write to us from elsewhere, as far as the settings know."""
    links = []
    if settings.twilio_from:
        digits = "".join(char for char in settings.twilio_from if char.isdigit())
        links.append(ShareLink("WhatsApp", f"https://wa.me/{digits}?text=start%20{{slug}}"))
    return links


def _own_routes(till: Till) -> list[web.AbstractRouteDef]:
    async def alive(request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(3):
                await till.database.read(lambda tx: tx.scalar(ANYTHING))
                await till.fanout.ping()
        except (Outage, TimeoutError) as error:
            return web.Response(text=f"not ready: {error}\n", status=503)
        return web.Response(text="ready\n")

    async def shown(request: web.Request) -> web.Response:
        try:
            await till.database.read(attention.measure)
            await till.database.read(alerts.measure)
        except Outage as error:  # what this process counts itself is shown all the same
            log.warning("metrics_without_database", error=str(error))
        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.TYPE})

    async def front(request: web.Request) -> web.Response:
        raise web.HTTPFound("/shop")

    return [
        web.get("/", front),
        web.get("/healthz", alive),
        web.get("/readyz", ready),
        web.get("/metrics", shown),
    ]


def _middleware(settings: Settings) -> Middleware:
    headers = dict(HEADERS)
    if settings.url.startswith("https://"):
        headers["Strict-Transport-Security"] = HSTS

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        logs.correlation.set(ids.new_id())
        started = clock.monotonic()
        response = await _answer(request, handler)
        route = _route(request)
        REQUESTS.labels(route, response.status).inc()
        REQUEST_SECONDS.labels(route).observe(clock.monotonic() - started)
        if not response.prepared:
            for name, value in headers.items():
                response.headers.setdefault(name, value)
            if route in ("/static", "/media"):
                response.headers["Cache-Control"] = f"public, max-age={STATIC_SECONDS}"
        return response

    return around


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return answer
    except Outage as error:
        log.warning("request_outage", path=request.path, error=str(error))
        return web.Response(
            text="Please try again in a moment.\n", status=503, headers={"Retry-After": "2"}
        )


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
