"""What Stripe keeps of one account: sessions, intents, charges, refunds, disputes, balance."""

from __future__ import annotations

from typing import Any

from commerce.kernel import clock
from commerce.kernel.clock import DAY, SECOND
from tests.contracts.stripe_shapes import BadRequest

Thing = dict[str, Any]

CAPTURE_WITHIN = 7 * DAY
AVAILABLE_AFTER = 2 * DAY
DISPUTE_FEE = 2_000
FAN = {"email": "fan@example.com", "name": "A Fan", "phone": "+35699000000", "address": {}}
CARD = {"brand": "visa", "last4": "4242", "fingerprint": "Xt5EWLLDS7FJjR1c"}
ENDED = frozenset({"succeeded", "canceled"})


class StripeAccount:
    """Its things hold ids of each other, as on the wire; a request may have them expanded."""

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.refund_status = "succeeded"  # of the refunds to come
        self.connected: dict[str, int] = {"acct_mia": 0, "acct_leo": 0}  # what each of them has
        self._count = 0

    def all(self, kind: str) -> dict[str, Thing]:
        return {key: thing for key, thing in self.things.items() if thing["object"] == kind}

    @property
    def sessions(self) -> dict[str, Thing]:
        return self.all("checkout.session")

    @property
    def refunds(self) -> dict[str, Thing]:
        return self.all("refund")

    @property
    def transfers(self) -> dict[str, Thing]:
        return self.all("transfer")

    # What the fan does on the page.

    def pay(self, session_id: str, *, payment_status: str = "paid") -> None:
        """`unpaid` is a bank that takes its time."""
        session = self.session(session_id)
        assert session["status"] == "open", session["status"]
        intent = self._intent_of(session)
        session |= {"status": "complete", "url": None, "payment_status": payment_status}
        charge = self._charge(intent)
        if payment_status == "unpaid":
            intent["status"] = "processing"
        elif intent["capture_method"] == "manual":
            session["payment_status"] = "unpaid"
            self._authorise(intent, charge)
        else:
            self._succeed(intent, charge, intent["amount"])
        self.announce("checkout.session.completed", session)

    def decline(self, session_id: str) -> None:
        intent = self._intent_of(self.session(session_id))
        charge = self._charge(intent)
        charge |= {"status": "failed", "paid": False}
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"},
        }
        self.announce("charge.failed", charge)
        self.announce("payment_intent.payment_failed", intent)

    def settle_bank_payment(self, session_id: str, *, succeeded: bool) -> None:
        session = self.session(session_id)
        intent = self.things[session["payment_intent"]]
        if succeeded:
            session["payment_status"] = "paid"
            self._succeed(intent, self.things[intent["latest_charge"]], intent["amount"])
            self.announce("checkout.session.async_payment_succeeded", session)
        else:
            intent |= {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "payment_intent_payment_attempt_failed"},
            }
            self.announce("payment_intent.payment_failed", intent)
            self.announce("checkout.session.async_payment_failed", session)

    # Sessions and intents.

    def session(self, session_id: str) -> Thing:
        session = self._known(session_id, "checkout.session")
        if session["status"] == "open" and session["expires_at"] * SECOND <= clock.now():
            self.end(session)
        if session["payment_intent"] is not None:
            self.intent(session["payment_intent"])
        return session

    def end(self, session: Thing) -> None:
        session |= {"status": "expired", "url": None}
        if session["payment_intent"] is not None:
            self.cancel(self.things[session["payment_intent"]], reason="abandoned")
        self.announce("checkout.session.expired", session)

    def intent(self, intent_id: str) -> Thing:
        intent = self._known(intent_id, "payment_intent")
        if intent["status"] == "requires_capture":
            card = self.things[intent["latest_charge"]]["payment_method_details"]["card"]
            if card["capture_before"] * SECOND <= clock.now():
                self.lapse(intent_id)
        return intent

    def lapse(self, intent_id: str) -> None:
        self.cancel(self.things[intent_id], reason="expired")

    def capture(self, intent: Thing, amount: int | None) -> None:
        if intent["status"] != "requires_capture":
            raise BadRequest(
                f"could not be captured because it has a status of {intent['status']}",
                "payment_intent_unexpected_state",
            )
        taken = intent["amount_capturable"] if amount is None else amount
        if not 0 < taken <= intent["amount_capturable"]:
            raise BadRequest("amount_to_capture is too large", "amount_too_large")
        self._succeed(intent, self.things[intent["latest_charge"]], taken)

    def cancel(self, intent: Thing, *, reason: str | None = None) -> None:
        if intent["status"] in (*ENDED, "processing"):
            raise BadRequest(
                f"cannot cancel this PaymentIntent because it has a status of {intent['status']}",
                "payment_intent_unexpected_state",
            )
        lapsed = intent["status"] == "requires_capture" and reason == "expired"
        intent |= {
            "status": "canceled",
            "amount_capturable": 0,
            "canceled_at": self.seconds(),
            "cancellation_reason": reason,
        }
        if lapsed:
            self.announce("charge.expired", self.things[intent["latest_charge"]])
        self.announce("payment_intent.canceled", intent)

    # Refunds and disputes.

    def refund_by_hand(self, intent: str, amount: int) -> None:
        self.refund({"payment_intent": intent, "amount": amount})

    def refund(self, params: Thing) -> Thing:
        intent = self._known(params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise BadRequest("does not have a successful charge to refund", "charge_not_captured")
        charge = self.things[intent["latest_charge"]]
        if charge["disputed"]:
            raise BadRequest("has been charged back", "charge_disputed")
        left = charge["amount_captured"] - self._refunded(intent["id"])
        amount = params.get("amount", left)
        if left == 0:
            raise BadRequest("has already been refunded", "charge_already_refunded")
        if amount > left:
            raise BadRequest("is greater than unrefunded amount on charge")
        refund = self._new(
            "re",
            "refund",
            payment_intent=intent["id"],
            charge=charge["id"],
            amount=amount,
            currency=intent["currency"],
            status=self.refund_status,
            failure_reason=None,
            metadata=params.get("metadata", {}),
            destination_details={"type": "card", "card": {"reference": "12345"}},
        )
        refund["balance_transaction"] = self.book("refund", -amount, refund)
        self.announce("refund.created", refund)
        charge["amount_refunded"] += amount
        self.announce("charge.refunded", charge)
        return refund

    def settle_refund(self, refund_id: str, status: str) -> None:
        """A bank may also send back what had succeeded."""
        refund = self.things[refund_id]
        refund["status"] = status
        if status in ("failed", "canceled"):
            refund["failure_reason"] = "expired_or_canceled_card"
            refund["failure_balance_transaction"] = self.book(
                "refund_failure", refund["amount"], refund
            )
            self.announce("refund.failed", refund)
        self.announce("refund.updated", refund)

    def dispute(
        self, intent_id: str, *, amount: int | None = None, status: str = "needs_response"
    ) -> Thing:
        """A bank takes the money back; a `warning_` only asks."""
        intent = self.things[intent_id]
        charge = self.things[intent["latest_charge"]]
        dispute = self._new(
            "du",
            "dispute",
            payment_intent=intent_id,
            charge=charge["id"],
            amount=charge["amount_captured"] if amount is None else amount,
            currency=intent["currency"],
            status=status,
            reason="fraudulent",
            balance_transactions=[],
            metadata={},
            evidence={"customer_email_address": FAN["email"], "customer_name": FAN["name"]},
        )
        charge["disputed"] = True
        self.announce("charge.dispute.created", dispute)
        if not status.startswith("warning_"):
            self._withdraw(dispute)
        return dispute

    def escalate(self, dispute: Thing) -> None:
        """The inquiry becomes a dispute."""
        dispute["status"] = "needs_response"
        self._withdraw(dispute)
        self.announce("charge.dispute.updated", dispute)

    def close_dispute(self, dispute: Thing, status: str) -> None:
        dispute["status"] = status
        if status == "won":
            self._move_disputed(dispute, "dispute_reversal", dispute["amount"], fee=0)
            self.announce("charge.dispute.funds_reinstated", dispute)
        if status != "lost":
            self.things[dispute["charge"]]["disputed"] = False
        self.announce("charge.dispute.closed", dispute)

    # Connect.

    def transfer(self, params: Thing) -> Thing:
        if params["destination"] not in self.connected:
            raise BadRequest(f"No such destination: {params['destination']}", "resource_missing")
        source = params.get("source_transaction")
        group = params.get("transfer_group")
        if source is None:
            if params["amount"] > self.available(params["currency"]):
                raise BadRequest("insufficient available funds", "balance_insufficient")
        else:
            group = self._group_of_source(self._known(source, "charge"), params)
        transfer = self._new(
            "tr",
            "transfer",
            amount=params["amount"],
            amount_reversed=0,
            currency=params["currency"],
            destination=params["destination"],
            source_transaction=source,
            transfer_group=group,
            reversed=False,
            metadata=params.get("metadata", {}),
        )
        self.connected[params["destination"]] += params["amount"]
        transfer["balance_transaction"] = self.book("transfer", -params["amount"], transfer)
        self.announce("transfer.created", transfer)
        return transfer

    def reverse(self, transfer: Thing, params: Thing) -> Thing:
        left = transfer["amount"] - transfer["amount_reversed"]
        amount = params.get("amount", left)
        if not 0 < amount <= left:
            raise BadRequest("is greater than unreversed amount of the transfer")
        if amount > self.connected[transfer["destination"]]:
            raise BadRequest("insufficient funds in the destination", "balance_insufficient")
        reversal = self._new(
            "trr",
            "transfer_reversal",
            transfer=transfer["id"],
            amount=amount,
            currency=transfer["currency"],
            metadata=params.get("metadata", {}),
        )
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        self.connected[transfer["destination"]] -= amount
        reversal["balance_transaction"] = self.book("transfer_reversal", amount, reversal)
        self.announce("transfer.reversed", transfer)
        return reversal

    def available(self, currency: str) -> int:
        lines = [t for t in self.all("balance_transaction").values() if t["currency"] == currency]
        return sum(t["net"] for t in lines if t["available_on"] * SECOND <= clock.now())

    def pay_out(self, currency: str, amount: int) -> None:
        """To our own bank."""
        payout = self._new("po", "payout", amount=amount, currency=currency)
        self.book("payout", -amount, payout)

    # What all of them need.

    def book(self, category: str, amount: int, source: Thing, *, fee: int = 0) -> str:
        waits = AVAILABLE_AFTER if category == "charge" else 0
        line = self._new(
            "txn",
            "balance_transaction",
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=source["currency"],
            reporting_category=category,
            type=category if category in ("charge", "refund") else "adjustment",
            source=source["id"],
            available_on=(clock.now() + waits) // SECOND,
            status="pending" if waits else "available",
            description=f"{category} by {FAN['email']}",
        )
        return str(line["id"])

    def announce(self, event_type: str, thing: Thing) -> None:
        event = self._new("evt", "event", type=event_type, livemode=False)
        event["data"] = {"object": dict(thing)}
        del self.things[event["id"]]
        self.events.append(event)

    def seconds(self) -> int:
        return clock.now() // SECOND

    def open_session(self, params: Thing) -> Thing:
        (item,) = params["line_items"]
        price = item["price_data"]
        intent_data = params.get("payment_intent_data", {})
        session = self._new(
            "cs_test",
            "checkout.session",
            status="open",
            payment_status="unpaid",
            payment_intent=None,
            client_reference_id=params.get("client_reference_id"),
            metadata=params.get("metadata", {}),
            amount_total=price["unit_amount"] * item["quantity"],
            currency=price["currency"],
            expires_at=params["expires_at"],
            customer_details=FAN,
        )
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        session["_intent"] = {
            "metadata": intent_data.get("metadata", {}),
            "capture_method": intent_data.get("capture_method", "automatic_async"),
            "transfer_group": intent_data.get("transfer_group"),
        }
        return session

    def _intent_of(self, session: Thing) -> Thing:
        """Made at the first try to pay, kept through all of them."""
        if session["payment_intent"] is not None:
            return self.things[session["payment_intent"]]
        intent = self._new(
            "pi",
            "payment_intent",
            amount=session["amount_total"],
            amount_capturable=0,
            amount_received=0,
            currency=session["currency"],
            status="requires_payment_method",
            latest_charge=None,
            last_payment_error=None,
            canceled_at=None,
            cancellation_reason=None,
            receipt_email=FAN["email"],
            shipping={"name": FAN["name"], "address": FAN["address"]},
            **session["_intent"],
        )
        session["payment_intent"] = intent["id"]
        self.announce("payment_intent.created", intent)
        return intent

    def _charge(self, intent: Thing) -> Thing:
        charge = self._new(
            "ch",
            "charge",
            payment_intent=intent["id"],
            amount=intent["amount"],
            amount_captured=0,
            amount_refunded=0,
            captured=False,
            refunded=False,
            disputed=False,
            paid=True,
            status="pending",
            currency=intent["currency"],
            metadata=intent["metadata"],
            transfer_group=intent["transfer_group"],
            billing_details=FAN,
            payment_method_details={"type": "card", "card": dict(CARD)},
            balance_transaction=None,
        )
        intent["latest_charge"] = charge["id"]
        return charge

    def _authorise(self, intent: Thing, charge: Thing) -> None:
        before = (clock.now() + CAPTURE_WITHIN) // SECOND
        charge["status"] = "succeeded"
        charge["payment_method_details"]["card"]["capture_before"] = before
        intent |= {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
            "last_payment_error": None,
        }
        self.announce("charge.succeeded", charge)
        self.announce("payment_intent.amount_capturable_updated", intent)

    def _succeed(self, intent: Thing, charge: Thing, amount: int) -> None:
        charge |= {"status": "succeeded", "captured": True, "amount_captured": amount}
        fee = amount * 15 // 1000 + 25
        charge["balance_transaction"] = self.book("charge", amount, charge, fee=fee)
        was_held = intent["status"] == "requires_capture"
        intent |= {
            "status": "succeeded",
            "amount_capturable": 0,
            "amount_received": amount,
            "last_payment_error": None,
        }
        self.announce("charge.captured" if was_held else "charge.succeeded", charge)
        self.announce("payment_intent.succeeded", intent)

    def _refunded(self, intent_id: str) -> int:
        made = [r for r in self.refunds.values() if r["payment_intent"] == intent_id]
        return sum(r["amount"] for r in made if r["status"] not in ("failed", "canceled"))

    def _withdraw(self, dispute: Thing) -> None:
        self._move_disputed(dispute, "dispute", -dispute["amount"], fee=DISPUTE_FEE)
        self.announce("charge.dispute.funds_withdrawn", dispute)

    def _move_disputed(self, dispute: Thing, category: str, amount: int, *, fee: int) -> None:
        line = self.things[self.book(category, amount, dispute, fee=fee)]
        dispute["balance_transactions"] = [*dispute["balance_transactions"], line]

    def _group_of_source(self, charge: Thing, params: Thing) -> str:
        """A transfer is in the group of its charge, and never above it."""
        given = [t for t in self.transfers.values() if t["source_transaction"] == charge["id"]]
        if sum(t["amount"] for t in given) + params["amount"] > charge["amount_captured"]:
            raise BadRequest("must not exceed the source amount")
        if params["currency"] != charge["currency"]:
            raise BadRequest("currency must match the source transaction's")
        group = charge["transfer_group"] or f"group_{charge['payment_intent']}"
        if params.get("transfer_group", group) != group:
            raise BadRequest("transfer_group is another than that of source_transaction")
        charge["transfer_group"] = group
        return str(group)

    def _known(self, key: str, kind: str) -> Thing:
        thing = self.things.get(key)
        if thing is None or thing["object"] != kind:
            raise BadRequest(f"No such {kind}: '{key}'", "resource_missing", status=404)
        return thing

    def _new(self, prefix: str, kind: str, **facts: Any) -> Thing:
        self._count += 1
        key = f"{prefix}_{self._count}"
        self.things[key] = {"id": key, "object": kind, "created": self.seconds(), **facts}
        return self.things[key]
