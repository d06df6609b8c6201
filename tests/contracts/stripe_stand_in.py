"""A stand-in for Stripe's API: strict about requests, honest about keys, lists and its failures."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from commerce.kernel import clock
from commerce.kernel.clock import DAY, HOUR, MINUTE, SECOND
from commerce.payments.gateways import signatures
from tests.contracts import stripe_shapes as shapes
from tests.contracts.stripe_account import StripeAccount, Thing
from tests.contracts.stripe_shapes import BadRequest

KEY = "sk_test_livetill"
WEBHOOK_SECRET = "whsec_livetill"
PAGE = 10
KEPT = 1 * DAY  # a key may be forgotten after that

Answer = tuple[int, Any]
Act = Callable[[web.Request, dict[str, Any]], Any]


class Fault(StrEnum):
    """What goes wrong with one request."""

    FAIL_BEFORE = "fail_before"  # 500, before it began: nothing done, nothing kept
    FAIL_KEPT = "fail_kept"  # 500 in the middle: nothing done, and that answer kept for its key
    FAIL_AFTER = "fail_after"  # 500 at the end: all done, and that answer kept for its key
    LOSE_ANSWER = "lose_answer"  # done, and the line goes dead
    SILENT = "silent"  # done, and no answer ever
    CONFLICT = "conflict"  # 409: the key is in use this moment
    LOCKED = "locked"  # 400: another call works on the same thing
    RATE_LIMIT = "rate_limit"
    UNAVAILABLE = "unavailable"  # a proxy's 503
    HTML = "html"  # a proxy's page with status 200
    NOT_FOUND = "not_found"  # a proxy's page with status 404
    EMPTY = "empty"  # 200 and no body
    NONSENSE = "nonsense"  # 200 and JSON that says nothing
    WORD = "word"  # a gateway's own error, which is not Stripe's
    BAD_KEY = "bad_key"  # 401
    REFUSED = "refused"  # 400, for a reason of its own


# After each of them nobody knows what Stripe did. SILENT is one too, and takes its time.
OUTAGES = [fault for fault in Fault if fault not in (Fault.SILENT, Fault.REFUSED)]


class Kept(NamedTuple):
    """The answer under a key."""

    at: int
    given: str
    answer: Answer


class StripeStandIn(StripeAccount):
    def __init__(self) -> None:
        super().__init__()
        self.faults: deque[Fault | None] = deque()  # of the requests to come
        self.requests: list[str] = []
        self._answers: dict[str, Kept] = {}

    def app(self) -> web.Application:
        app = web.Application()
        sessions, intents, transfers = "/checkout/sessions", "/payment_intents", "/transfers"
        table: tuple[tuple[str, str, Act], ...] = (
            ("POST", sessions, self._create_session),
            ("GET", sessions + "/{id}", self._retrieve_session),
            ("POST", sessions + "/{id}/expire", self._expire_session),
            ("GET", intents + "/{id}", self._retrieve_intent),
            ("POST", intents + "/{id}/capture", self._capture),
            ("POST", intents + "/{id}/cancel", self._cancel),
            ("POST", "/refunds", self._create_refund),
            ("GET", "/refunds", self._list_refunds),
            ("GET", "/refunds/{id}", self._retrieve_refund),
            ("POST", transfers, self._create_transfer),
            ("GET", transfers, self._list_transfers),
            ("GET", transfers + "/{id}", self._retrieve_transfer),
            ("POST", transfers + "/{id}/reversals", self._create_reversal),
            ("GET", transfers + "/{id}/reversals", self._list_reversals),
            ("GET", "/balance_transactions", self._list_balance),
        )
        for method, path, act in table:
            app.router.add_route(method, f"/v1{path}", self._route(act))
        return app

    def webhook(
        self, event: dict[str, Any], *secrets: str, at: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Signed with each secret, as while one is being replaced by another."""
        body = json.dumps(event).encode()
        stamp = clock.now() if at is None else at
        signed = [signatures.sign(body, s, at=stamp) for s in secrets or (WEBHOOK_SECRET,)]
        others = [header.partition(",")[2] for header in signed[1:]]
        return {"Stripe-Signature": ",".join([signed[0], *others])}, body

    def news(self, event_type: str) -> Thing:
        """The only event of this type so far."""
        (event,) = [event for event in self.events if event["type"] == event_type]
        return event

    # How it answers.

    def _route(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def route(request: web.Request) -> web.StreamResponse:
            self.requests.append(f"{request.method} {request.path}")
            fault = self.faults.popleft() if self.faults else None
            broken = BROKEN.get(fault) if fault else None
            if broken is not None:
                return broken()
            (status, body), headers = self._answer(act, request, await request.text(), fault)
            if fault is Fault.LOSE_ANSWER:
                assert request.transport is not None
                request.transport.close()
            if fault is Fault.SILENT:
                await asyncio.Event().wait()
            return web.json_response(body, status=status, headers=headers)

        return route

    def _answer(
        self, act: Act, request: web.Request, text: str, fault: Fault | None
    ) -> tuple[Answer, dict[str, str]]:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_request_error", "bad key"), {}
        given = f"{request.path}?{text}"
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key in self._answers and self._answers[key].at + KEPT <= clock.now():
            del self._answers[key]
        if key in self._answers:
            _, before, kept = self._answers[key]
            if before != given:
                message = "other parameters under the same key"
                return _error(400, "idempotency_error", message), {}
            return kept, {"Idempotent-Replayed": "true"}
        try:
            answer = self._execute(act, request, text, fault)
        except BadRequest as error:
            answer = _error(error.status, "invalid_request_error", str(error), error.code)
            if not error.began:
                return answer, {}
        if key is not None:
            self._answers[key] = Kept(clock.now(), given, json.loads(json.dumps(answer)))
        return answer, {"Stripe-Should-Retry": "false"} if answer[0] >= 500 else {}

    def _execute(self, act: Act, request: web.Request, text: str, fault: Fault | None) -> Answer:
        if fault is Fault.FAIL_KEPT:
            return _error(500, "api_error", "something went wrong")
        pairs = parse_qsl(text or request.query_string, keep_blank_values=True)
        params = shapes.nested(pairs)
        body = self._expanded(act(request, params), params.get("expand", []))
        if fault is Fault.FAIL_AFTER:
            return _error(500, "api_error", "something went wrong")
        return 200, body

    def _expanded(self, thing: Thing, paths: list[str]) -> Thing:
        shown = {name: value for name, value in thing.items() if not name.startswith("_")}
        for path in sorted(paths):
            name, _, rest = path.partition(".")
            if name not in shown:
                raise BadRequest(f"This property cannot be expanded ({path}).", began=False)
            below = [rest] if rest else []
            value = shown[name]
            if isinstance(value, list):
                shown[name] = [self._expanded(item, below) for item in value]
            elif value is not None:
                found = value if isinstance(value, dict) else self.things[value]
                shown[name] = self._expanded(found, below)
        return shown

    def _listed(self, request: web.Request, things: list[Thing], params: Thing) -> Thing:
        """The newest first, from after `starting_after`, a page of them."""
        newest = [{k: v for k, v in t.items() if not k.startswith("_")} for t in reversed(things)]
        after = params.get("starting_after")
        ids = [thing["id"] for thing in newest]
        if after is not None and after not in ids:
            raise BadRequest(f"No such object: '{after}'", "resource_missing")
        begin = 0 if after is None else ids.index(after) + 1
        end = begin + params.get("limit", PAGE)
        return {
            "object": "list",
            "url": request.path,
            "has_more": end < len(newest),
            "data": newest[begin:end],
        }

    # Its API.

    def _create_session(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.SESSION_CREATE, params)
        _check_session(params)
        return self.open_session(params)

    def _retrieve_session(self, request: web.Request, params: dict[str, Any]) -> Thing:
        shapes.checked(shapes.SESSION_RETRIEVE, params)
        return self.session(request.match_info["id"])

    def _expire_session(self, request: web.Request, params: dict[str, Any]) -> Thing:
        shapes.checked(shapes.SESSION_EXPIRE, params)
        session = self.session(request.match_info["id"])
        if session["status"] != "open":
            raise BadRequest(f"only open sessions can be expired, not {session['status']}")
        self.end(session)
        return session

    def _retrieve_intent(self, request: web.Request, params: dict[str, Any]) -> Thing:
        shapes.checked(shapes.INTENT_RETRIEVE, params)
        return self.intent(request.match_info["id"])

    def _capture(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.INTENT_CAPTURE, params)
        if "final_capture" in params:
            raise BadRequest("multicapture is not available", "parameter_unknown", began=False)
        intent = self.intent(request.match_info["id"])
        self.capture(intent, params.get("amount_to_capture"))
        return intent

    def _cancel(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.INTENT_CANCEL, params)
        intent = self.intent(request.match_info["id"])
        self.cancel(intent, reason=params.get("cancellation_reason"))
        return intent

    def _create_refund(self, request: web.Request, params: dict[str, Any]) -> Thing:
        return self.refund(shapes.checked(shapes.REFUND_CREATE, params))

    def _list_refunds(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.REFUND_LIST, params)
        intent = params["payment_intent"]
        found = [r for r in self.refunds.values() if r["payment_intent"] == intent]
        return self._listed(request, found, params)

    def _retrieve_refund(self, request: web.Request, params: dict[str, Any]) -> Thing:
        shapes.checked(shapes.REFUND_RETRIEVE, params)
        return self._known(request.match_info["id"], "refund")

    def _create_transfer(self, request: web.Request, params: dict[str, Any]) -> Thing:
        return self.transfer(shapes.checked(shapes.TRANSFER_CREATE, params))

    def _list_transfers(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.TRANSFER_LIST, params)
        wanted = {k: v for k, v in params.items() if k in ("transfer_group", "destination")}
        found = [t for t in self.transfers.values() if wanted.items() <= t.items()]
        return self._listed(request, found, params)

    def _retrieve_transfer(self, request: web.Request, params: dict[str, Any]) -> Thing:
        shapes.checked(shapes.TRANSFER_RETRIEVE, params)
        return self._known(request.match_info["id"], "transfer")

    def _create_reversal(self, request: web.Request, params: dict[str, Any]) -> Thing:
        transfer = self._known(request.match_info["id"], "transfer")
        return self.reverse(transfer, shapes.checked(shapes.REVERSAL_CREATE, params))

    def _list_reversals(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.REVERSAL_LIST, params)
        transfer = self._known(request.match_info["id"], "transfer")["id"]
        found = [r for r in self.all("transfer_reversal").values() if r["transfer"] == transfer]
        return self._listed(request, found, params)

    def _list_balance(self, request: web.Request, params: dict[str, Any]) -> Thing:
        params = shapes.checked(shapes.BALANCE_LIST, params)
        lines = self.all("balance_transaction").values()
        found = [line for line in lines if _within(line["created"], params.get("created", {}))]
        return self._listed(request, found, params)


def _within(at: int, created: dict[str, int]) -> bool:
    return created.get("gte", at) <= at and at < created.get("lt", at + 1)


def _check_session(params: dict[str, Any]) -> None:
    """What Stripe checks beyond the shape, before it begins."""
    for name in ("mode", "line_items", "success_url", "expires_at"):
        if name not in params:
            raise BadRequest(f"missing {name}", "parameter_missing", began=False)
    if params["mode"] != "payment":
        raise BadRequest("mode", began=False)
    left = params["expires_at"] * SECOND - clock.now()
    if not 30 * MINUTE <= left <= 24 * HOUR:
        raise BadRequest("expires_at must be 30 minutes to 24 hours from now", began=False)
    for price in [item["price_data"] for item in params["line_items"]]:
        if price["unit_amount"] < 50 or price["currency"] != price["currency"].lower():
            raise BadRequest("amount_too_small", "amount_too_small", began=False)
    for metadata in (params["metadata"], params["payment_intent_data"]["metadata"]):
        if any(len(k) > 40 or len(v) > 500 for k, v in metadata.items()):
            raise BadRequest("metadata too long", began=False)


def _error(status: int, kind: str, message: str, code: str | None = None) -> Answer:
    return status, {"error": {"type": kind, "message": message, "code": code}}


def _told(status: int, kind: str, code: str | None = None, **headers: str) -> web.Response:
    return web.json_response(_error(status, kind, kind, code)[1], status=status, headers=headers)


def _page(status: int) -> web.Response:
    return web.Response(text="<html>Bad gateway</html>", content_type="text/html", status=status)


BROKEN: dict[Fault, Callable[[], web.Response]] = {
    Fault.FAIL_BEFORE: lambda: _told(500, "api_error"),
    Fault.CONFLICT: lambda: _told(409, "invalid_request_error", "idempotency_key_in_use"),
    Fault.LOCKED: lambda: _told(400, "invalid_request_error", "lock_timeout"),
    Fault.REFUSED: lambda: _told(400, "invalid_request_error", "of_its_own"),
    Fault.RATE_LIMIT: lambda: _told(
        429, "invalid_request_error", "rate_limit", **{"Retry-After": "3"}
    ),
    Fault.BAD_KEY: lambda: _told(401, "invalid_request_error"),
    Fault.HTML: lambda: _page(200),
    Fault.NOT_FOUND: lambda: _page(404),
    Fault.UNAVAILABLE: lambda: _page(503),
    Fault.EMPTY: lambda: web.Response(),
    Fault.WORD: lambda: web.json_response({"error": "Bad gateway"}, status=502),
    Fault.NONSENSE: lambda: web.json_response({"object": "nothing"}),
}
