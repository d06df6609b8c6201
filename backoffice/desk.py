"""The desk every request passes: who is it, may they, did they mean it; how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import hdrs, web
from aiohttp.web_request import FileField
from jinja2 import Environment

from backoffice import attention, pages, security, words
from commerce import accounts
from commerce.accounts import Action, Staff
from commerce.kernel import logs, metrics
from commerce.kernel.database import Database
from commerce.kernel.errors import Refusal
from live import NotYourSession, UnknownSession

log = logs.get(__name__)
REJECTED = metrics.counter(
    "livetill_backoffice_rejected_total", "Forms the back office did not believe", ["reason"]
)
FORM = "application/x-www-form-urlencoded"
FORM_WITH_FILES = "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A signed-in request: whose it is and what its form said."""

    staff: Staff
    token: str
    csrf: str
    fields: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0  # in operations, for those who may look there

    def may(self, action: Action) -> bool:
        return accounts.may(self.staff, action)


Page = Callable[[web.Request, Visit], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk:
    def __init__(
        self, *, database: Database, templates: Environment, secret_key: str, public_url: str
    ) -> None:
        self.database = database
        self.public_url = public_url.rstrip("/")
        self.cookies = security.Cookies(secure=public_url.startswith("https://"))
        self._secret_key = secret_key
        self._templates = pages.environment(templates)

    def guarded(
        self, page: Page, *needs: Action, files: bool = False, bytes_max: int = 0
    ) -> Handler:
        """`page` for those whose role has one of `needs`; a POST only with its token.

        With `bytes_max` it may be larger than other requests.
        """
        kinds = (FORM, FORM_WITH_FILES) if files else (FORM,)

        async def handler(request: web.Request) -> web.StreamResponse:
            if bytes_max:
                request = request.clone(client_max_size=bytes_max)
            sent = request.method == hdrs.METH_POST
            fields = await self.believed_fields(request, kinds) if sent else {}
            try:
                return await self._guarded(page, request, needs, fields)
            finally:
                if sent:
                    await _close_files(request)

        return self.spoken(handler)

    async def _guarded(
        self,
        page: Page,
        request: web.Request,
        needs: Sequence[Action],
        fields: Mapping[str, str],
    ) -> web.StreamResponse:
        visit = await self._visit(request, fields)
        if visit is None:
            return self._to_sign_in(request)
        if request.method == hdrs.METH_POST:
            self.check_token(visit.csrf, fields)
        if not any(visit.may(action) for action in needs):
            return self.error(403, visit, *words.NOT_ALLOWED)
        return await self._answered(page, request, visit)

    def spoken(self, handler: Handler) -> Handler:
        """The handler with its refused requests answered by a page instead of a bare line."""

        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except web.HTTPClientError as error:
                return self.error(error.status, None)

        return answered

    async def _answered(self, page: Page, request: web.Request, visit: Visit) -> web.StreamResponse:
        try:
            return await page(request, visit)
        except (UnknownSession, NotYourSession):
            return self.error(404, visit)
        except web.HTTPClientError as error:
            return self.error(error.status, visit)
        except Refusal as refusal:
            return self.error(409, visit, words.PAGES[409][0], words.of_refusal(refusal))

    async def _visit(self, request: web.Request, fields: Mapping[str, str]) -> Visit | None:
        token = request.cookies.get(self.cookies.session, "")
        staff = await accounts.signed_in(self.database, token) if token else None
        if staff is None:
            return None
        visit = Visit(staff=staff, token=token, csrf=self.csrf(token), fields=fields)
        if not visit.may(Action.OPERATE):
            return visit
        return replace(visit, waiting=await self.database.read(attention.total))

    def csrf(self, cookie: str) -> str:
        return security.csrf_token(self._secret_key, cookie)

    async def believed_fields(
        self, request: web.Request, kinds: Sequence[str] = (FORM,)
    ) -> dict[str, str]:
        """The fields of a form that the browser does not say came from elsewhere."""
        if not security.from_own_page(request, self.public_url):
            self.rejected("origin")
        if request.content_type not in kinds:
            raise web.HTTPUnsupportedMediaType()
        try:
            form = await request.post()
        except (ValueError, LookupError):  # bytes that are no text, a charset nobody knows
            raise web.HTTPBadRequest() from None
        # PostgreSQL refuses NUL in a text, and nothing a person types has one.
        return {k: v.replace("\0", "") for k, v in form.items() if isinstance(v, str)}

    def check_token(self, expected: str, fields: Mapping[str, str]) -> None:
        if not security.same_token(expected, fields.get("csrf", "")):
            self.rejected("token")

    def rejected(self, reason: str) -> None:
        REJECTED.labels(reason).inc()
        log.warning("backoffice form rejected", reason=reason)
        raise web.HTTPForbidden()

    def _to_sign_in(self, request: web.Request) -> web.Response:
        # A form's own address answers no GET: go on where it stood, at the start of the office.
        asked = request.path_qs if request.method == hdrs.METH_GET else security.HOME
        return see_other(f"/backoffice/sign-in?then={security.way_back(asked)}")

    def page(
        self, template: str, visit: Visit | None, *, status: int = 200, **context: Any
    ) -> web.Response:
        """A whole page; `visit` is None only before anybody signed in."""
        known = {"staff": visit.staff, "csrf": visit.csrf} if visit else {"staff": None}
        menu = pages.menu(visit.staff, visit.waiting) if visit else ()
        unsaid = {"here": "", "notice": "", "problem": ""}
        html = self.render(template, menu=menu, **{**unsaid, **known, **context})
        response = web.Response(text=html, content_type="text/html", status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def render(self, template: str, **context: Any) -> str:
        return self._templates.get_template(f"backoffice/{template}").render(context)

    def error(
        self, status: int, visit: Visit | None, headline: str = "", sentence: str = ""
    ) -> web.Response:
        usual = words.PAGES.get(status, words.PAGES[400])
        return self.page(
            "error.html",
            visit,
            status=status,
            headline=headline or usual[0],
            words=sentence or usual[1],
        )


async def _close_files(request: web.Request) -> None:
    """What was sent lies in files of its own until then."""
    for field_sent in (await request.post()).values():
        if isinstance(field_sent, FileField):
            field_sent.file.close()


def see_other(path: str) -> web.Response:
    """On to a GET, so that loading the page again does not send the form again."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
