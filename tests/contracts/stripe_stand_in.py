"""A stand-in for Stripe: stateful, strict about requests, honest about keys, expiry and refunds."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from commerce.kernel import clock
from commerce.kernel.clock import HOUR, MINUTE, SECOND
from commerce.payments.gateways import signatures
from tests.contracts import stripe_shapes
from tests.contracts.stripe_shapes import BadRequest

KEY = "sk_test_livetill"
WEBHOOK_SECRET = "whsec_livetill"

Answer = tuple[int, dict[str, Any]]
Act = Callable[[web.Request, dict[str, Any]], Answer]


class Fault(StrEnum):
    """What goes wrong with one request."""

    FAIL_BEFORE = "fail_before"  # 500, nothing done
    LOSE_ANSWER = "lose_answer"  # done, and the line goes dead
    CONFLICT = "conflict"  # 409: the key is in use this moment
    RATE_LIMIT = "rate_limit"
    HTML = "html"  # a proxy's page with status 200
    BAD_KEY = "bad_key"  # 401


class StripeStandIn:
    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.refund_status = "succeeded"
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._count = 0

    def app(self) -> web.Application:
        app = web.Application()
        sessions = "/v1/checkout/sessions"
        app.add_routes(
            [
                web.post(sessions, self._route(self._create_session)),
                web.get(sessions + "/{id}", self._route(self._retrieve_session)),
                web.post(sessions + "/{id}/expire", self._route(self._expire_session)),
                web.post("/v1/refunds", self._route(self._create_refund)),
                web.get("/v1/refunds", self._route(self._list_refunds)),
                web.get("/v1/refunds/{id}", self._route(self._retrieve_refund)),
            ]
        )
        return app

    # What happens at Stripe without us.

    def pay(self, session_id: str, *, payment_status: str = "paid") -> None:
        session = self._session(session_id)
        assert session["status"] == "open", session["status"]
        session |= {
            "status": "complete",
            "payment_status": payment_status,
            "payment_intent": self._id("pi"),
            "url": None,
        }
        self._announce("checkout.session.completed", session)

    def decline(self, session_id: str) -> None:
        session = self._session(session_id)
        intent = {
            "id": self._id("pi"),
            "object": "payment_intent",
            "metadata": session["_intent_metadata"],
            "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"},
        }
        self._announce("payment_intent.payment_failed", intent)

    def settle_bank_payment(self, session_id: str, *, succeeded: bool) -> None:
        session = self._session(session_id)
        session["payment_status"] = "paid" if succeeded else "unpaid"
        word = "succeeded" if succeeded else "failed"
        self._announce(f"checkout.session.async_payment_{word}", session)

    def refund_by_hand(self, intent: str, amount: int) -> None:
        self._refund({"payment_intent": intent, "amount": amount})

    def settle_refund(self, refund_id: str, status: str) -> None:
        refund = self.refunds[refund_id]
        refund["status"] = status
        self._announce("refund.updated", refund)

    def webhook(self, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        body = json.dumps(event).encode()
        header = signatures.sign(body, WEBHOOK_SECRET, at=clock.now())
        return {"Stripe-Signature": header}, body

    # Its API.

    def _route(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def route(request: web.Request) -> web.StreamResponse:
            self.requests.append(f"{request.method} {request.path}")
            fault = self.faults.popleft() if self.faults else None
            broken = _before(fault)
            if broken is not None:
                return broken
            status, body = self._answer(act, request, await request.text())
            if fault is Fault.LOSE_ANSWER:
                assert request.transport is not None
                request.transport.close()
            return web.json_response(body, status=status)

        return route

    def _answer(self, act: Act, request: web.Request, text: str) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_request_error", "bad key")
        given = f"{request.path}?{text}"
        key = request.headers.get("Idempotency-Key")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != given:
                return _error(400, "idempotency_error", "other parameters under the same key")
            return answer
        pairs = parse_qsl(text or request.query_string, keep_blank_values=True)
        try:
            answer = act(request, stripe_shapes.nested(pairs))
        except BadRequest as error:
            # Stripe keeps no answer of what it did not begin to execute.
            return _error(400, "invalid_request_error", str(error), error.code)
        except KeyError:
            return _error(404, "invalid_request_error", "no such object", "resource_missing")
        if key is not None:
            self._answers[key] = (given, (answer[0], dict(answer[1])))
        return answer

    def _create_session(self, request: web.Request, params: dict[str, Any]) -> Answer:
        params = stripe_shapes.checked(stripe_shapes.SESSION_CREATE, params)
        _check_session(params)
        (item,) = params["line_items"]
        price = item["price_data"]
        session = {
            "id": self._id("cs_test"),
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "client_reference_id": params.get("client_reference_id"),
            "metadata": params.get("metadata", {}),
            "amount_total": price["unit_amount"] * item["quantity"],
            "currency": price["currency"],
            "expires_at": params["expires_at"],
            "customer_details": {"email": "fan@example.com", "name": "A Fan"},
            "_intent_metadata": params.get("payment_intent_data", {}).get("metadata", {}),
        }
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        self.sessions[str(session["id"])] = session
        return 200, _shown(session)

    def _retrieve_session(self, request: web.Request, params: dict[str, Any]) -> Answer:
        return 200, _shown(self._session(request.match_info["id"]))

    def _expire_session(self, request: web.Request, params: dict[str, Any]) -> Answer:
        stripe_shapes.checked(stripe_shapes.SESSION_EXPIRE, params)
        session = self._session(request.match_info["id"])
        if session["status"] != "open":
            raise BadRequest(f"only open sessions can be expired, not {session['status']}")
        session |= {"status": "expired", "url": None}
        self._announce("checkout.session.expired", session)
        return 200, _shown(session)

    def _create_refund(self, request: web.Request, params: dict[str, Any]) -> Answer:
        return 200, self._refund(stripe_shapes.checked(stripe_shapes.REFUND_CREATE, params))

    def _refund(self, params: dict[str, Any]) -> dict[str, Any]:
        intent = params["payment_intent"]
        paid = next(s for s in self.sessions.values() if s["payment_intent"] == intent)
        given = [r for r in self._refunds_of(intent) if r["status"] not in ("failed", "canceled")]
        if sum(r["amount"] for r in given) + params["amount"] > paid["amount_total"]:
            raise BadRequest("more than was paid", "charge_already_refunded")
        refund = {
            "id": self._id("re"),
            "object": "refund",
            "payment_intent": intent,
            "amount": params["amount"],
            "currency": paid["currency"],
            "status": self.refund_status,
            "metadata": params.get("metadata", {}),
        }
        self.refunds[str(refund["id"])] = refund
        self._announce("refund.created", refund)
        self._announce("charge.refunded", _charge(paid, self._refunds_of(intent)))
        return dict(refund)

    def _list_refunds(self, request: web.Request, params: dict[str, Any]) -> Answer:
        params = stripe_shapes.checked(stripe_shapes.REFUND_LIST, params)
        found = self._refunds_of(params["payment_intent"])
        page = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found}
        return 200, page

    def _retrieve_refund(self, request: web.Request, params: dict[str, Any]) -> Answer:
        return 200, dict(self.refunds[request.match_info["id"]])

    def _session(self, session_id: str) -> dict[str, Any]:
        session = self.sessions[session_id]
        if session["status"] == "open" and session["expires_at"] * SECOND <= clock.now():
            session |= {"status": "expired", "url": None}
        return session

    def _refunds_of(self, intent: str) -> list[dict[str, Any]]:
        return [r for r in self.refunds.values() if r["payment_intent"] == intent]

    def _announce(self, event_type: str, thing: dict[str, Any]) -> None:
        event = {
            "id": self._id("evt"),
            "object": "event",
            "type": event_type,
            "created": clock.now() // SECOND,
            "livemode": False,
            "data": {"object": _shown(thing)},
        }
        self.events.append(event)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def _check_session(params: dict[str, Any]) -> None:
    """What Stripe checks beyond the shape."""
    for name in ("mode", "line_items", "success_url", "expires_at"):
        if name not in params:
            raise BadRequest(f"missing {name}", "parameter_missing")
    if params["mode"] != "payment":
        raise BadRequest("mode")
    left = params["expires_at"] * SECOND - clock.now()
    if not 30 * MINUTE <= left <= 24 * HOUR:
        raise BadRequest("expires_at must be 30 minutes to 24 hours from now")
    for price in [item["price_data"] for item in params["line_items"]]:
        if price["unit_amount"] < 50 or price["currency"] != price["currency"].lower():
            raise BadRequest("amount_too_small", "amount_too_small")
    for metadata in (params["metadata"], params["payment_intent_data"]["metadata"]):
        if any(len(k) > 40 or len(v) > 500 for k, v in metadata.items()):
            raise BadRequest("metadata too long")


def _shown(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def _charge(session: dict[str, Any], refunds: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "ch_" + session["payment_intent"],
        "object": "charge",
        "payment_intent": session["payment_intent"],
        "amount": session["amount_total"],
        "amount_refunded": sum(refund["amount"] for refund in refunds),
        "currency": session["currency"],
        "metadata": session["_intent_metadata"],
    }


def _before(fault: Fault | None) -> web.Response | None:
    if fault is Fault.HTML:
        return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
    answers = {
        Fault.FAIL_BEFORE: _error(500, "api_error", "something went wrong"),
        Fault.CONFLICT: _error(409, "invalid_request_error", "in use", "idempotency_key_in_use"),
        Fault.RATE_LIMIT: _error(429, "invalid_request_error", "slow down", "rate_limit"),
        Fault.BAD_KEY: _error(401, "invalid_request_error", "bad key"),
    }
    if fault not in answers:
        return None
    status, body = answers[fault]
    headers = {"Retry-After": "3"} if fault is Fault.RATE_LIMIT else None
    return web.json_response(body, status=status, headers=headers)


def _error(status: int, kind: str, message: str, code: str | None = None) -> Answer:
    return status, {"error": {"type": kind, "message": message, "code": code}}
