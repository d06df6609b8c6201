"""A stand-in for PayPal: tokens, orders, authorisations, captures, refunds and signed webhooks."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from commerce.kernel import clock
from commerce.kernel.clock import SECOND
from tests.contracts import paypal_keys
from tests.contracts.faults import Line

CLIENT_ID = "paypal-client"
CLIENT_SECRET = "paypal client secret"
WEBHOOK_ID = "8PT597110X687430LKGECATA"
CERTIFICATE = "/v1/notifications/certs/CERT-360caa42-fca2a594"
VALUE = re.compile(r"[0-9]+(\.[0-9]{2})?")
TOKEN_SECONDS = 32_400

Thing = dict[str, Any]
Answer = tuple[int, Thing]
Act = Callable[[web.Request, Any], Answer]


class Unprocessable(Exception):
    """What PayPal answers with 422; the message is the issue."""


class PayPalStandIn:
    def __init__(self) -> None:
        self.line = Line()
        self.orders: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.tokens: set[str] = set()
        self.certificate = paypal_keys.certificate()
        self.capture_status = "COMPLETED"
        self.refund_status = "COMPLETED"
        self.declines: list[str] = []  # issues of the next captures and authorisations
        self.patchable = True
        self.links = True
        self.url = ""
        self._answers: dict[tuple[str, str], tuple[Any, Answer]] = {}
        self._disputed: dict[str, str] = {}
        self._count = 0

    def app(self) -> web.Application:
        app = self.line.application()
        orders, payments = "/v2/checkout/orders", "/v2/payments"
        app.add_routes(
            [
                web.post("/v1/oauth2/token", self._token),
                web.get(CERTIFICATE, self._certificate),
                web.post(orders, self._route(self._create)),
                web.get(orders + "/{id}", self._route(self._show)),
                web.patch(orders + "/{id}", self._route(self._patch)),
                web.post(orders + "/{id}/capture", self._route(self._capture_order)),
                web.post(orders + "/{id}/authorize", self._route(self._authorize)),
                web.post(payments + "/authorizations/{id}/capture", self._route(self._capture)),
                web.post(payments + "/authorizations/{id}/void", self._route(self._void)),
                web.post(payments + "/captures/{id}/refund", self._route(self._refund)),
                web.get(payments + "/refunds/{id}", self._route(self._show_refund)),
            ]
        )
        return app

    # What happens at PayPal without us.

    def approve(self, order_id: str) -> None:
        order = self.orders[order_id]
        assert order["status"] == "PAYER_ACTION_REQUIRED", order["status"]
        order["status"] = "APPROVED"
        order["payer"] = {"email_address": "fan@example.com", "name": {"surname": "Fan"}}
        self._announce("CHECKOUT.ORDER.APPROVED", "checkout-order", self._shown(order))

    def lapse(self, order_id: str) -> None:
        """The authorisation runs out, or the approval where there is none."""
        order = self.orders[order_id]
        held = _unit(order)["payments"]["authorizations"]
        if held:
            held[0]["status"] = "VOIDED"
            self._announce("PAYMENT.AUTHORIZATION.VOIDED", "authorization", held[0])
            return
        order["status"] = "VOIDED"
        gone = {"order_id": order_id, "purchase_units": order["purchase_units"]}
        self._announce("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", gone)

    def settle_capture(self, order_id: str, status: str) -> None:
        order = self.orders[order_id]
        (capture,) = _unit(order)["payments"]["captures"]
        capture["status"] = status
        self._announce(f"PAYMENT.CAPTURE.{status}", "capture", capture)

    def refund_by_hand(self, capture_id: str, value: str) -> None:
        capture = self._captured(capture_id)
        self._give_back(capture, {**capture["amount"], "value": value}, capture["custom_id"])

    def settle_refund(self, refund_id: str, status: str) -> None:
        refund = self.refunds[refund_id]
        refund["status"] = status
        name = "PAYMENT.CAPTURE.REFUNDED" if status == "COMPLETED" else f"PAYMENT.REFUND.{status}"
        self._announce(name, "refund", refund)

    def dispute(self, order_id: str, value: str = "", outcome: str | None = None) -> None:
        """The sum is that of its beginning."""
        value = self._disputed.setdefault(order_id, value)
        (capture,) = _unit(self.orders[order_id])["payments"]["captures"]
        dispute = {
            "dispute_id": f"PP-D-{capture['id']}",
            "disputed_transactions": [
                {"seller_transaction_id": capture["id"], "custom": capture["custom_id"]}
            ],
            "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
            "status": "RESOLVED" if outcome else "OPEN",
            "dispute_amount": {**capture["amount"], "value": value},
            **({"dispute_outcome": {"outcome_code": outcome}} if outcome else {}),
        }
        how = "RESOLVED" if outcome else "CREATED"
        self._announce(f"CUSTOMER.DISPUTE.{how}", "dispute", dispute)

    def webhook(self, event: Thing) -> tuple[dict[str, str], bytes]:
        body = json.dumps(event).encode()
        return self.sign(body), body

    def sign(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        transmission, time = self._id("transmission"), _time(at)
        return {
            "PAYPAL-TRANSMISSION-ID": transmission,
            "PAYPAL-TRANSMISSION-TIME": time,
            "PAYPAL-TRANSMISSION-SIG": paypal_keys.signature(transmission, time, WEBHOOK_ID, body),
            "PAYPAL-CERT-URL": f"{self.url}{CERTIFICATE}",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        }

    # Its API.

    async def _token(self, request: web.Request) -> web.Response:
        given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        form = await request.post()
        if request.headers.get("Authorization") != f"Basic {given}":
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = self._id("token")
        self.tokens.add(token)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return web.json_response(body)

    async def _certificate(self, request: web.Request) -> web.Response:
        return web.Response(body=self.certificate, content_type="application/x-pem-file")

    def _route(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def route(request: web.Request) -> web.Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:
                return web.json_response({"error": "invalid_token"}, status=401)
            text = await request.text()
            status, body = self._answer(act, request, json.loads(text) if text else {})
            return (
                web.Response(status=204)
                if status == 204
                else web.json_response(body, status=status)
            )

        return route

    def _answer(self, act: Act, request: web.Request, body: Any) -> Answer:
        key = request.headers.get("PayPal-Request-Id")
        if request.method == "POST" and not key:
            return _no(400, "MISSING_REQUIRED_PARAMETER")
        known = self._answers.get((request.path, key)) if key else None
        if known is not None:
            if known[0] != body:
                return _no(422, "DUPLICATE_REQUEST_ID")
            return 200, known[1][1]
        try:
            answer = act(request, body)
        except Unprocessable as no:
            return _no(422, str(no))
        except KeyError:
            return 404, {"name": "RESOURCE_NOT_FOUND", "details": []}
        if key:
            assert len(key) <= 108, key
            self._answers[request.path, key] = (
                body,
                (answer[0], json.loads(json.dumps(answer[1]))),
            )
        return answer

    def _create(self, request: web.Request, body: Thing) -> Answer:
        (unit,) = body["purchase_units"]
        context = body["payment_source"]["paypal"]["experience_context"]
        if body["intent"] not in ("CAPTURE", "AUTHORIZE") or "return_url" not in context:
            raise Unprocessable("INVALID_PARAMETER_VALUE")
        _check_money(unit["amount"])
        if max(len(unit[field]) for field in ("custom_id", "invoice_id", "description")) > 127:
            raise Unprocessable("INVALID_STRING_LENGTH")
        order_id = self._id("ORDER")
        self.orders[order_id] = {
            "id": order_id,
            "intent": body["intent"],
            "status": "PAYER_ACTION_REQUIRED",
            "purchase_units": [
                {**unit, "payments": {"authorizations": [], "captures": [], "refunds": []}}
            ],
            "create_time": _time(),
        }
        return 201, self._shown(self.orders[order_id])

    def _show(self, request: web.Request, body: Any) -> Answer:
        return 200, self._shown(self.orders[request.match_info["id"]])

    def _patch(self, request: web.Request, body: Any) -> Answer:
        order = self.orders[request.match_info["id"]]
        (change,) = body
        if change["path"] != "/purchase_units/@reference_id=='default'/custom_id":
            raise Unprocessable("NOT_PATCHABLE")
        if order["status"] in ("COMPLETED", "VOIDED") or not self.patchable:
            raise Unprocessable("ORDER_ALREADY_COMPLETED")
        _unit(order)["custom_id"] = change["value"]
        return 204, {}

    def _capture_order(self, request: web.Request, body: Any) -> Answer:
        order = self._approved(request, "CAPTURE")
        self._take(order, _unit(order)["amount"])
        return 201, self._shown(order)

    def _authorize(self, request: web.Request, body: Any) -> Answer:
        order = self._approved(request, "AUTHORIZE")
        unit = _unit(order)
        held = self._money("AUTH", unit, unit["amount"], status="CREATED", order_id=order["id"])
        unit["payments"]["authorizations"].append(held)
        order["status"] = "COMPLETED"
        self._announce("PAYMENT.AUTHORIZATION.CREATED", "authorization", held)
        return 201, self._shown(order)

    def _capture(self, request: web.Request, body: Any) -> Answer:
        order, held = self._authorised(request.match_info["id"])
        if held["status"] != "CREATED":
            raise Unprocessable(f"AUTHORIZATION_ALREADY_{held['status']}")
        _check_money(body["amount"])
        if Decimal(body["amount"]["value"]) > Decimal(held["amount"]["value"]):
            raise Unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")
        self._decline()
        held["status"] = "CAPTURED"
        return 201, dict(self._take(order, body["amount"]))

    def _void(self, request: web.Request, body: Any) -> Answer:
        _, held = self._authorised(request.match_info["id"])
        if held["status"] != "CREATED":
            raise Unprocessable("PREVIOUSLY_CAPTURED")
        held["status"] = "VOIDED"
        self._announce("PAYMENT.AUTHORIZATION.VOIDED", "authorization", held)
        return 204, {}

    def _refund(self, request: web.Request, body: Any) -> Answer:
        _check_money(body["amount"])
        capture = self._captured(request.match_info["id"])
        return 201, dict(self._give_back(capture, body["amount"], body["custom_id"]))

    def _show_refund(self, request: web.Request, body: Any) -> Answer:
        return 200, dict(self.refunds[request.match_info["id"]])

    def _approved(self, request: web.Request, intent: str) -> Thing:
        order = self.orders[request.match_info["id"]]
        if order["status"] == "COMPLETED":
            raise Unprocessable("ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED" or order["intent"] != intent:
            raise Unprocessable("ORDER_NOT_APPROVED")
        self._decline()
        return order

    def _decline(self) -> None:
        if self.declines:
            raise Unprocessable(self.declines.pop(0))

    def _take(self, order: Thing, amount: Thing) -> Thing:
        unit = _unit(order)
        for other in self.orders.values():
            taken = _unit(other)["payments"]["captures"]
            if any(capture["invoice_id"] == unit["invoice_id"] for capture in taken):
                raise Unprocessable("DUPLICATE_INVOICE_ID")
        capture = self._money(
            "CAPTURE", unit, amount, status=self.capture_status, order_id=order["id"]
        )
        unit["payments"]["captures"].append(capture)
        order["status"] = "COMPLETED"
        self._announce(f"PAYMENT.CAPTURE.{self.capture_status}", "capture", capture)
        return capture

    def _give_back(self, capture: Thing, amount: Thing, custom_id: str) -> Thing:
        order = self.orders[capture["supplementary_data"]["related_ids"]["order_id"]]
        refunds = _unit(order)["payments"]["refunds"]
        given = sum(Decimal(r["amount"]["value"]) for r in refunds if r["status"] != "FAILED")
        paid = Decimal(capture["amount"]["value"])
        if given + Decimal(amount["value"]) > paid:
            raise Unprocessable("REFUND_AMOUNT_EXCEEDED")
        whole = given + Decimal(amount["value"]) == paid
        capture["status"] = "REFUNDED" if whole else "PARTIALLY_REFUNDED"
        refund = {
            "id": self._id("REFUND"),
            "status": self.refund_status,
            "amount": amount,
            "custom_id": custom_id,
            "links": [
                {"rel": "self", "href": f"{self.url}/v2/payments/refunds/x"},
                {"rel": "up", "href": f"{self.url}/v2/payments/captures/{capture['id']}"},
            ],
        }
        refunds.append(refund)
        self.refunds[str(refund["id"])] = refund
        if self.refund_status == "COMPLETED":
            self._announce("PAYMENT.CAPTURE.REFUNDED", "refund", refund)
        return refund

    def _money(self, kind: str, unit: Thing, amount: Thing, *, status: str, order_id: str) -> Thing:
        return {
            "id": self._id(kind),
            "status": status,
            "amount": dict(amount),
            "custom_id": unit["custom_id"],
            "invoice_id": unit["invoice_id"],
            "create_time": _time(),
            "supplementary_data": {"related_ids": {"order_id": order_id}},
        }

    def _authorised(self, authorisation_id: str) -> tuple[Thing, Thing]:
        for order in self.orders.values():
            for held in _unit(order)["payments"]["authorizations"]:
                if held["id"] == authorisation_id:
                    return order, held
        raise KeyError(authorisation_id)

    def _captured(self, capture_id: str) -> Thing:
        for order in self.orders.values():
            for capture in _unit(order)["payments"]["captures"]:
                if capture["id"] == capture_id:
                    found: Thing = capture
                    return found
        raise KeyError(capture_id)

    def _shown(self, order: Thing) -> Thing:
        ref = order["id"]
        links = [{"rel": "self", "href": f"{self.url}/v2/checkout/orders/{ref}"}]
        if order["status"] == "PAYER_ACTION_REQUIRED" and self.links:
            href = f"https://www.paypal.com/checkoutnow?token={ref}"
            links.append({"rel": "payer-action", "href": href})
        shown: Thing = json.loads(json.dumps({**order, "links": links}))
        return shown

    def _announce(self, name: str, resource_type: str, resource: Thing) -> None:
        event = {
            "id": self._id("WH"),
            "event_version": "1.0",
            "create_time": _time(),
            "resource_type": resource_type,
            "event_type": name,
            "resource": json.loads(json.dumps(resource)),
        }
        self.events.append(event)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"


def _unit(order: Thing) -> Thing:
    (unit,) = order["purchase_units"]
    found: Thing = unit
    return found


def _check_money(money: Thing) -> None:
    if not VALUE.fullmatch(money["value"]) or Decimal(money["value"]) <= 0:
        raise Unprocessable("INVALID_PARAMETER_SYNTAX")
    if "." in money["value"] and money["currency_code"] in ("JPY", "HUF", "TWD"):
        raise Unprocessable("DECIMALS_NOT_SUPPORTED")


def _time(at: int | None = None) -> str:
    seconds = (clock.now() if at is None else at) // SECOND
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _no(status: int, issue: str) -> Answer:
    return status, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}
