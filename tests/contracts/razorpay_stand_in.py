"""A stand-in for Razorpay: links, orders, payments and refunds with their states and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from commerce.kernel import clock
from commerce.kernel.clock import DAY, MINUTE, SECOND
from tests.contracts.faults import Line

KEY_ID = "rzp_test_livetill"
KEY_SECRET = "razorpay key secret"
WEBHOOK_SECRET = "razorpay webhook secret"

Thing = dict[str, Any]
Act = Callable[[web.Request, Thing], Thing]

LINK_FIELDS = {
    *("amount", "currency", "accept_partial", "description", "reference_id", "expire_by"),
    *("notify", "reminder_enable", "notes", "callback_url", "callback_method", "customer"),
}
ORDER_FIELDS = {"amount", "currency", "receipt", "notes", "payment", "partial_payment"}
REFUND_FIELDS = {"amount", "speed", "receipt", "notes"}


class BadRequest(Exception):
    """What Razorpay answers with 400."""


class RazorpayStandIn:
    def __init__(self) -> None:
        self.line = Line()
        self.links: dict[str, Thing] = {}
        self.orders: dict[str, Thing] = {}
        self.payments: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.refund_status = "processed"
        self.captures_links = True  # the account's own setting
        self._answers: dict[str, tuple[Thing, Thing]] = {}
        self._disputed: dict[str, int] = {}
        self._count = 0

    def app(self) -> web.Application:
        app = self.line.application()
        app.add_routes(
            [
                web.post("/v1/payment_links", self._route(self._create_link)),
                web.get("/v1/payment_links", self._route(self._list_links)),
                web.get("/v1/payment_links/{id}", self._route(self._fetch_link)),
                web.post("/v1/payment_links/{id}/cancel", self._route(self._cancel_link)),
                web.post("/v1/orders", self._route(self._create_order)),
                web.get("/v1/orders", self._route(self._list_orders)),
                web.get("/v1/orders/{id}", self._route(self._fetch_order)),
                web.patch("/v1/orders/{id}", self._route(self._edit_order)),
                web.get("/v1/orders/{id}/payments", self._route(self._payments_of_order)),
                web.get("/v1/payments/{id}", self._route(self._fetch_payment)),
                web.post("/v1/payments/{id}/capture", self._route(self._capture)),
                web.post("/v1/payments/{id}/refund", self._route(self._create_refund)),
                web.get("/v1/payments/{id}/refunds", self._route(self._list_refunds)),
                web.get("/v1/payments/{id}/refunds/{refund}", self._route(self._fetch_refund)),
            ]
        )
        return app

    # What happens at Razorpay without us.

    def pay(self, ref: str, **notes: str) -> Thing:
        """The fan pays: authorised, and captured at once where the page says so.

        The notes of the payment are what the fan's browser sends: those of the page, or others.
        """
        page = self._page(ref)
        assert page["status"] in ("created", "attempted"), page["status"]
        payment = self._attempt(page, "authorized")
        payment["notes"] = {**(page["notes"] or {}), **notes}
        self._announce("payment.authorized", payment=payment)
        if ref.startswith("plink_") and self.captures_links:
            self.take(payment)
        return payment

    def decline(self, ref: str) -> None:
        payment = self._attempt(self._page(ref), "failed")
        payment |= {"error_code": "BAD_REQUEST_ERROR", "error_reason": "insufficient_funds"}
        self._announce("payment.failed", payment=payment)

    def lapse(self, payment_id: str) -> None:
        """Three days without a capture."""
        payment = self.payments[payment_id]
        assert payment["status"] == "authorized", payment["status"]
        payment |= {"status": "refunded", "captured": False}

    def refund_by_hand(self, payment_id: str, amount: int) -> Thing:
        return self._give_back(self.payments[payment_id], {"amount": amount})

    def settle_refund(self, refund_id: str, status: str) -> None:
        refund = self.refunds[refund_id]
        refund["status"] = status
        self._announce(
            f"refund.{status}", refund=refund, payment=self.payments[refund["payment_id"]]
        )

    def dispute(self, payment_id: str, how: str, amount: int | None = None) -> None:
        """The sum is that of its beginning."""
        payment = self.payments[payment_id]
        amount = self._disputed.setdefault(payment_id, amount or 0)
        dispute = {
            "id": f"disp_{payment_id}",
            "entity": "dispute",
            "payment_id": payment_id,
            "amount": amount,
            "currency": payment["currency"],
            "amount_deducted": amount if how == "lost" else 0,
            "reason_code": "goods_or_services_not_received",
            "status": "open" if how == "created" else how,
            "created_at": clock.now() // SECOND,
        }
        self._announce(f"payment.dispute.{how}", payment=payment, dispute=dispute)

    def webhook(self, event: Thing, secret: str = WEBHOOK_SECRET) -> tuple[dict[str, str], bytes]:
        body = json.dumps(event).encode()
        return {
            "X-Razorpay-Signature": signature(body, secret),
            "x-razorpay-event-id": self._id("evt"),
        }, body

    # Its API.

    def _route(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def route(request: web.Request) -> web.Response:
            given = base64.b64encode(f"{KEY_ID}:{KEY_SECRET}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {given}":
                return _error(401, "BAD_REQUEST_ERROR", "authentication_failed")
            text = await request.text()
            try:
                return web.json_response(act(request, json.loads(text) if text else {}))
            except BadRequest as no:
                return _error(400, "BAD_REQUEST_ERROR", str(no))
            except KeyError:
                return _error(400, "BAD_REQUEST_ERROR", "the id provided does not exist")

        return route

    def _create_link(self, request: web.Request, body: Thing) -> Thing:
        _only(body, LINK_FIELDS)
        _check_money(body)
        _check_notes(body["notes"])
        reference = body["reference_id"]
        if not 0 < len(reference) <= 40:
            raise BadRequest("reference_id_too_long")
        if any(link["reference_id"] == reference for link in self.links.values()):
            raise BadRequest("reference_id_already_exists")
        if not 15 * MINUTE <= body["expire_by"] * SECOND - clock.now() <= 182 * DAY:
            raise BadRequest("expire_by")
        if body["callback_method"] != "get" or len(body["description"]) > 2048:
            raise BadRequest("input_validation_failed")
        link = {
            **body,
            "id": self._id("plink"),
            "amount_paid": 0,
            "status": "created",
            "order_id": None,
            "payments": None,
            "created_at": clock.now() // SECOND,
            "cancelled_at": 0,
        }
        link["short_url"] = f"https://rzp.io/i/{link['id']}"
        self.links[str(link["id"])] = link
        return dict(link)

    def _list_links(self, request: web.Request, body: Thing) -> Thing:
        wanted = request.query.get("reference_id")
        found = [self._page(ref) for ref, link in self.links.items()]
        return {"payment_links": [dict(p) for p in found if p["reference_id"] == wanted]}

    def _fetch_link(self, request: web.Request, body: Thing) -> Thing:
        link = self._page(request.match_info["id"])
        paid = [p for p in self._payments(link["order_id"]) if p["status"] == "captured"]
        fields = ("amount", "created_at", "method", "status")
        return {
            **link,
            "payments": [{"payment_id": p["id"], **{f: p[f] for f in fields}} for p in paid],
        }

    def _cancel_link(self, request: web.Request, body: Thing) -> Thing:
        link = self._page(request.match_info["id"])
        if link["status"] != "created":
            raise BadRequest(f"cannot_cancel_{link['status']}")
        link |= {"status": "cancelled", "cancelled_at": clock.now() // SECOND}
        self._announce("payment_link.cancelled", payment_link=link)
        return dict(link)

    def _create_order(self, request: web.Request, body: Thing) -> Thing:
        _only(body, ORDER_FIELDS)
        _check_money(body)
        _check_notes(body["notes"])
        if len(body["receipt"]) > 40 or body["payment"]["capture"] not in ("manual", "automatic"):
            raise BadRequest("input_validation_failed")
        return dict(self._order(body["amount"], body["currency"], body["notes"], body["receipt"]))

    def _list_orders(self, request: web.Request, body: Thing) -> Thing:
        wanted = request.query.get("receipt")
        found = [dict(o) for o in self.orders.values() if o["receipt"] == wanted]
        return {"entity": "collection", "count": len(found), "items": found}

    def _fetch_order(self, request: web.Request, body: Thing) -> Thing:
        return dict(self.orders[request.match_info["id"]])

    def _edit_order(self, request: web.Request, body: Thing) -> Thing:
        _only(body, {"notes"})
        _check_notes(body["notes"])
        order = self.orders[request.match_info["id"]]
        order["notes"] = body["notes"]
        return dict(order)

    def _payments_of_order(self, request: web.Request, body: Thing) -> Thing:
        found = self._payments(request.match_info["id"])
        return {"entity": "collection", "count": len(found), "items": found}

    def _fetch_payment(self, request: web.Request, body: Thing) -> Thing:
        return dict(self.payments[request.match_info["id"]])

    def _capture(self, request: web.Request, body: Thing) -> Thing:
        payment = self.payments[request.match_info["id"]]
        if payment["status"] != "authorized":
            raise BadRequest("payment_already_captured")
        if (body["amount"], body["currency"]) != (payment["amount"], payment["currency"]):
            raise BadRequest("capture_amount_differs")
        self.take(payment)
        return dict(payment)

    def _create_refund(self, request: web.Request, body: Thing) -> Thing:
        _only(body, REFUND_FIELDS)
        _check_notes(body["notes"])
        key = request.headers["X-Refund-Idempotency"]
        if len(key) < 10 or not key.replace("-", "").replace("_", "").isalnum():
            raise BadRequest("idempotency_key")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != body:
                raise BadRequest("idempotency_key_reused")
            return answer
        answer = self._give_back(self.payments[request.match_info["id"]], body)
        self._answers[key] = (body, dict(answer))
        return dict(answer)

    def _list_refunds(self, request: web.Request, body: Thing) -> Thing:
        payment_id = request.match_info["id"]
        found = [dict(r) for r in self.refunds.values() if r["payment_id"] == payment_id]
        return {"entity": "collection", "count": len(found), "items": found}

    def _fetch_refund(self, request: web.Request, body: Thing) -> Thing:
        return dict(self.refunds[request.match_info["refund"]])

    def _page(self, ref: str) -> Thing:
        if ref.startswith("order_"):
            return self.orders[ref]
        link = self.links[ref]
        if link["status"] == "created" and link["expire_by"] * SECOND <= clock.now():
            link["status"] = "expired"
            self._announce("payment_link.expired", payment_link=link)
        return link

    def _order(self, amount: int, currency: str, notes: Thing, receipt: str | None) -> Thing:
        order = {
            "id": self._id("order"),
            "entity": "order",
            "amount": amount,
            "amount_paid": 0,
            "currency": currency,
            "receipt": receipt,
            "status": "created",
            "notes": notes,
            "created_at": clock.now() // SECOND,
        }
        self.orders[str(order["id"])] = order
        return order

    def _attempt(self, page: Thing, status: str) -> Thing:
        if page["id"].startswith("plink_") and page["order_id"] is None:
            order = self._order(page["amount"], page["currency"], {}, None)
            page["order_id"] = order["id"]
        payment = {
            "id": self._id("pay"),
            "entity": "payment",
            "order_id": page.get("order_id") or page["id"],
            "amount": page["amount"],
            "currency": page["currency"],
            "status": status,
            "captured": False,
            "method": "upi",
            "email": "fan@example.com",
            "contact": "+919900000000",
            "vpa": "fan@upi",
            "notes": page["notes"],
            "created_at": clock.now() // SECOND,
        }
        self.payments[str(payment["id"])] = payment
        self.orders[payment["order_id"]]["status"] = "attempted"
        return payment

    def take(self, payment: Thing) -> None:
        payment |= {"status": "captured", "captured": True}
        order = self.orders[payment["order_id"]]
        order |= {"status": "paid", "amount_paid": payment["amount"]}
        self._announce("payment.captured", payment=payment)
        self._announce("order.paid", order=order, payment=payment)
        for link in self.links.values():
            if link["order_id"] == order["id"]:
                link |= {"status": "paid", "amount_paid": payment["amount"]}
                self._announce("payment_link.paid", payment_link=link, order=order, payment=payment)

    def _give_back(self, payment: Thing, body: Thing) -> Thing:
        if payment["status"] not in ("captured", "refunded"):
            raise BadRequest("payment_not_captured")
        given = [
            r["amount"]
            for r in self.refunds.values()
            if r["payment_id"] == payment["id"] and r["status"] != "failed"
        ]
        if sum(given) + body["amount"] > payment["amount"]:
            raise BadRequest("refund_amount_exceeds")
        if sum(given) + body["amount"] == payment["amount"]:
            payment["status"] = "refunded"
        refund = {
            "id": self._id("rfnd"),
            "entity": "refund",
            "payment_id": payment["id"],
            "amount": body["amount"],
            "currency": payment["currency"],
            "status": self.refund_status,
            "notes": body.get("notes") or [],
            "receipt": body.get("receipt"),
            "created_at": clock.now() // SECOND,
        }
        self.refunds[str(refund["id"])] = refund
        self._announce("refund.created", refund=refund, payment=payment)
        if refund["status"] == "processed":
            self._announce("refund.processed", refund=refund, payment=payment)
        return refund

    def _payments(self, order_id: str | None) -> list[Thing]:
        return [dict(p) for p in self.payments.values() if p["order_id"] == order_id]

    def _announce(self, name: str, **things: Thing) -> None:
        event = {
            "entity": "event",
            "account_id": "acc_livetill",
            "event": name,
            "contains": list(things),
            "payload": {kind: {"entity": dict(thing)} for kind, thing in things.items()},
            "created_at": clock.now() // SECOND,
        }
        self.events.append(event)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _only(body: Thing, fields: set[str]) -> None:
    unknown = body.keys() - fields
    if unknown:
        raise BadRequest(f"unexpected_{min(unknown)}")


def _check_money(body: Thing) -> None:
    if type(body["amount"]) is not int or body["amount"] < 100:
        raise BadRequest("amount_too_small")
    if len(body["currency"]) != 3:
        raise BadRequest("currency")


def _check_notes(notes: Thing) -> None:
    if len(notes) > 15 or any(len(str(value)) > 256 for value in notes.values()):
        raise BadRequest("notes")


def _error(status: int, code: str, reason: str) -> web.Response:
    return web.json_response({"error": {"code": code, "reason": reason}}, status=status)
