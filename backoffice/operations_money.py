"""Orders and money, for admins: payment cases, an order by its code, and giving money back."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from backoffice import case_file, cases, forms
from backoffice.deeds import carried_out, said_of
from backoffice.desk import Desk, Visit, see_other
from backoffice.pages import OPERATIONS
from commerce import checkout, orders, payments
from commerce.accounts import Action
from commerce.kernel import audit, ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx
from commerce.payments import Payment, cash_desk

CASES = f"{OPERATIONS}/payments"
ORDERS = f"{OPERATIONS}/orders"
ORDER = f"{ORDERS}/{{id:{forms.ID.pattern}}}"
CASH = {  # what is told at the desk -> the action in the audit, the notice after it
    "collected": ("order.collected", "collected"),
    "not-collected": ("order.not_collected", "not_collected"),
    "returned": ("order.cash_returned", "cash_returned"),
    "not-returned": ("order.cash_not_returned", "cash_returned"),
}


class OperationsMoney:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(CASES, guarded(self.cases, Action.OPERATE), allow_head=False),
            web.post(f"{CASES}/close", guarded(self.close_case, Action.OPERATE)),
            web.get(ORDERS, guarded(self.find, Action.OPERATE), allow_head=False),
            web.get(ORDER, guarded(self.order, Action.OPERATE), allow_head=False),
            web.post(f"{ORDER}/refund", guarded(self.refund, Action.REFUND_ORDER)),
            web.post(
                f"{ORDER}/cash/{{deed:{'|'.join(CASH)}}}", guarded(self.cash, Action.REFUND_ORDER)
            ),
        ]

    async def cases(self, request: web.Request, visit: Visit) -> web.Response:
        found = await self._desk.database.read(cases.all_of)
        return self._desk.page(
            "operations/payments.html",
            visit,
            here=OPERATIONS,
            open=[case for case in found if case.closed is None],
            closed=[case for case in found if case.closed is not None],
            keys={case.subject: ids.new_id() for case in found},
            **said_of(request),
        )

    async def close_case(self, request: web.Request, visit: Visit) -> web.Response:
        subject = visit.fields.get("subject", "")
        return await carried_out(
            self._desk,
            visit,
            lambda tx, will: cases.close(tx, subject, will),
            page=CASES,
            said="closed",
        )

    async def find(self, request: web.Request, visit: Visit) -> web.Response:
        code = request.query.get("code", "").replace("\0", "").strip()
        if code:
            found = await self._desk.database.read(lambda tx: orders.by_code(tx, code))
            if found is not None:
                return see_other(f"{ORDERS}/{found.id}")
        problem = "There is no order with this code." if code else ""
        return self._desk.page(
            "operations/find.html",
            visit,
            here=OPERATIONS,
            status=404 if code else 200,
            code=code,
            problem=problem,
        )

    async def order(self, request: web.Request, visit: Visit) -> web.Response:
        order_id = request.match_info["id"]
        try:
            file = await self._desk.database.read(lambda tx: case_file.of(tx, order_id))
        except orders.NoSuchOrder:
            raise web.HTTPNotFound from None
        return self._desk.page(
            "operations/order.html",
            visit,
            here=OPERATIONS,
            file=file,
            may_refund=visit.may(Action.REFUND_ORDER),
            key=ids.new_id(),
            keys={refund.id: ids.new_id() for paying in file.payings for refund in paying.refunds},
            **said_of(request),
        )

    async def refund(self, request: web.Request, visit: Visit) -> web.Response:
        order_id = request.match_info["id"]
        restock = visit.fields.get("restock", "") == "yes"

        async def deed(tx: Tx, will: Intervention) -> None:
            order = await orders.order(tx, order_id)
            amount_minor = forms.amount(visit.fields.get("amount", ""), order.currency)

            async def work() -> Mapping[str, object]:
                refund = await checkout.request_refund(
                    tx,
                    key=f"backoffice:{will.key}",
                    order_id=order_id,
                    amount_minor=amount_minor,
                    reason=audit.given(will.reason),
                    restock=restock,
                )
                return {"refund_id": refund.id, "amount_minor": amount_minor, "restock": restock}

            await audit.once(
                tx, will, action="order.refund_requested", subject=f"order:{order_id}", work=work
            )

        page = f"{ORDERS}/{order_id}"
        return await carried_out(self._desk, visit, deed, page=page, said="refund")

    async def cash(self, request: web.Request, visit: Visit) -> web.Response:
        """What was told at the desk about a parcel, or about cash that goes back."""
        order_id, name = request.match_info["id"], request.match_info["deed"]
        action, said = CASH[name]

        async def deed(tx: Tx, will: Intervention) -> None:
            payment = await _in_cash(tx, order_id)

            async def work() -> Mapping[str, object]:
                return await _tell(tx, name, payment, visit.fields, will)

            await audit.once(tx, will, action=action, subject=f"order:{order_id}", work=work)

        page = f"{ORDERS}/{order_id}"
        return await carried_out(self._desk, visit, deed, page=page, said=said)


async def _in_cash(tx: Tx, order_id: str) -> Payment:
    for payment in await payments.of_order(tx, order_id):
        if payment.provider == case_file.CASH:
            return payment
    raise payments.NotPaid(order_id=order_id)


async def _tell(
    tx: Tx, name: str, payment: Payment, fields: Mapping[str, str], will: Intervention
) -> Mapping[str, object]:
    by, key, refund_id = will.actor, will.key, fields.get("refund", "")
    why = audit.given(will.reason)
    match name:
        case "collected":
            amount_minor = forms.amount(fields.get("amount", ""), payment.currency)
            await cash_desk.collected(tx, payment.id, amount_minor, by, key)
            return {"amount_minor": amount_minor}
        case "not-collected":
            await cash_desk.not_collected(tx, payment.id, why, by, key)
            return {}
        case "returned":
            await cash_desk.refund_confirmed(tx, refund_id, by, key)
        case "not-returned":
            await cash_desk.refund_impossible(tx, refund_id, why, by, key)
    return {"refund_id": refund_id}
