"""The pages of coming and going: sign in, sign out, and back to the page that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from backoffice import security, words
from backoffice.desk import Desk, see_other
from commerce import accounts
from commerce.kernel import ids
from commerce.kernel.errors import Refusal


class SigningIn:
    def __init__(self, desk: Desk, client_address: Callable[[web.Request], str]) -> None:
        self._desk = desk
        self._client_address = client_address

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/backoffice/sign-in", self.form, allow_head=False),
            web.post("/backoffice/sign-in", self._desk.spoken(self.sign_in)),
            web.post("/backoffice/sign-out", self._desk.spoken(self.sign_out)),
        ]

    async def form(self, request: web.Request) -> web.Response:
        return self._form(request, then=request.query.get("then", ""))

    def _form(
        self,
        request: web.Request,
        *,
        then: str,
        email: str = "",
        problem: str = "",
        status: int = 200,
    ) -> web.Response:
        # The form's token is bound to this browser before anybody is signed in.
        visit = request.cookies.get(self._desk.cookies.visit) or ids.token()
        response = self._desk.page(
            "sign_in.html",
            None,
            status=status,
            csrf=self._desk.csrf(visit),
            then=security.way_back(then),
            email=email,
            problem=problem,
        )
        self._desk.cookies.put(response, self._desk.cookies.visit, visit)
        return response

    async def sign_in(self, request: web.Request) -> web.Response:
        fields = await self._desk.believed_fields(request)
        visit = request.cookies.get(self._desk.cookies.visit, "")
        then, email = fields.get("then", ""), fields.get("email", "").strip()
        if not visit or not security.same_token(self._desk.csrf(visit), fields.get("csrf", "")):
            stale = words.problem("stale_form")
            return self._form(request, then=then, email=email, problem=stale, status=403)
        try:
            token = await accounts.sign_in(
                self._desk.database,
                email,
                fields.get("password", ""),
                address=self._client_address(request),
                replaces=request.cookies.get(self._desk.cookies.session, ""),
            )
        except (accounts.WrongCredentials, accounts.TooManyTries) as refusal:
            return self._refused(request, refusal, then=then, email=email)
        response = see_other(security.way_back(then))
        self._desk.cookies.put(response, self._desk.cookies.session, token)
        self._desk.cookies.drop(response, self._desk.cookies.visit)
        return response

    def _refused(
        self, request: web.Request, refusal: Refusal, *, then: str, email: str
    ) -> web.Response:
        throttled = isinstance(refusal, accounts.TooManyTries)
        response = self._form(
            request,
            then=then,
            email=email,
            problem=words.of_refusal(refusal),
            status=429 if throttled else 422,
        )
        if throttled:
            response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        fields = await self._desk.believed_fields(request)
        token = request.cookies.get(self._desk.cookies.session, "")
        if token:
            self._desk.check_token(self._desk.csrf(token), fields)
            await self._desk.database.unit_of_work(lambda tx: accounts.sign_out(tx, token))
        response = see_other("/backoffice/sign-in")
        self._desk.cookies.drop(response, self._desk.cookies.session)
        return response
