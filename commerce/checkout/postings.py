"""What a checkout's money is posted as: received, then sold or given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce import ledger, orders, payments
from commerce.ledger import Posting, Transfer


def received(payment: payments.Payment) -> Posting:
    """The provider has the fan's money; we owe the fan until something is sold for it."""
    return Posting(
        id=f"received:{payment.id}",
        reason="payment",
        reference=payment.order_id,
        transfers=(
            Transfer(
                ledger.clearing(payment.provider),
                ledger.CUSTOMER_PAYABLE,
                payment.currency,
                payment.captured_minor,
            ),
        ),
    )


def sold(order: orders.Order) -> Posting:
    credits = {
        "goods": ledger.SALES,
        "delivery": ledger.DELIVERY_INCOME,
        "tax": ledger.tax_payable(order.address.country),
    }
    return Posting(
        id=f"sold:{order.id}",
        reason="sale",
        reference=order.id,
        transfers=tuple(
            Transfer(ledger.CUSTOMER_PAYABLE, credits[line.kind], order.currency, line.amount_minor)
            for line in order.lines
            if line.amount_minor
        ),
    )


def refunded(payment: payments.Payment, order: orders.Order, fact: Mapping[str, Any]) -> Posting:
    """A sale that is given back is debited to refunds; money without a sale just goes back."""
    owed = ledger.REFUNDS if order.status is orders.Status.PAID else ledger.CUSTOMER_PAYABLE
    return Posting(
        id=f"refunded:{fact['refund_id']}",
        reason="refund",
        reference=order.id,
        transfers=(
            Transfer(
                owed, ledger.clearing(payment.provider), fact["currency"], fact["amount_minor"]
            ),
        ),
    )
