"""What a checkout's money is posted as: received, sold, promised, given back, disputed."""

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
    return _sale(order, ledger.CUSTOMER_PAYABLE)


def promised(payment: payments.Payment, order: orders.Order) -> Posting:
    """Sold on the promise of cash at the door."""
    return _sale(order, ledger.receivable(payment.provider))


def promise_broken(payment: payments.Payment, order: orders.Order) -> Posting:
    sale = promised(payment, order)
    return Posting(
        id=f"unsold:{order.id}",
        reason="refused at the door",
        reference=order.id,
        transfers=tuple(
            Transfer(one.credit, one.debit, one.currency, one.amount_minor)
            for one in sale.transfers
        ),
    )


def collected(payment: payments.Payment) -> Posting:
    return Posting(
        id=f"received:{payment.id}",
        reason="payment",
        reference=payment.order_id,
        transfers=(
            Transfer(
                ledger.clearing(payment.provider),
                ledger.receivable(payment.provider),
                payment.currency,
                payment.captured_minor,
            ),
        ),
    )


def refunded(
    payment: payments.Payment, order: orders.Order, refund_id: str, amount_minor: int
) -> Posting:
    """A sale that is given back is debited to refunds, and its tax is owed to nobody any more;
    money without a sale just goes back."""
    sold_for = order.status in (orders.Status.PAID, orders.Status.REFUNDED)
    tax_minor = _tax_of(order, payment.refund_minor, amount_minor) if sold_for else 0
    owed = ledger.REFUNDS if sold_for else ledger.CUSTOMER_PAYABLE
    debits = (
        (owed, amount_minor - tax_minor),
        (ledger.tax_payable(order.address.country), tax_minor),
    )
    clearing = ledger.clearing(payment.provider)
    return Posting(
        id=refund_posting(refund_id),
        reason="refund",
        reference=order.id,
        transfers=tuple(
            Transfer(debit, clearing, payment.currency, minor) for debit, minor in debits if minor
        ),
    )


def _tax_of(order: orders.Order, refunds_minor: int, amount_minor: int) -> int:
    """The part of a refund that is tax; `refunds_minor` is all that goes back, this one included.

    Parts of an order add up to its tax, however it is divided.
    """
    tax = sum(
        line.contained_minor + (line.amount_minor if line.kind == "tax" else 0)
        for line in order.lines
    )
    before = refunds_minor - amount_minor
    return tax * refunds_minor // order.total_minor - tax * before // order.total_minor


def refund_posting(refund_id: str) -> str:
    return f"refunded:{refund_id}"


def dispute_opened(provider: str, fact: Mapping[str, Any]) -> Posting:
    """The provider took the money, and its fee, until the bank has decided."""
    clearing = ledger.clearing(provider)
    taken = (
        (ledger.disputes(provider), fact["amount_minor"]),
        (ledger.dispute_fees(provider), fact["fee_minor"]),
    )
    return Posting(
        id=f"disputed:{fact['dispute_id']}",
        reason="dispute",
        reference=fact["order_id"],
        transfers=tuple(
            Transfer(account, clearing, fact["currency"], minor)
            for account, minor in taken
            if minor
        ),
    )


def dispute_won(provider: str, fact: Mapping[str, Any]) -> Posting:
    """The money is back; fees of disputes stay with the provider."""
    return _dispute_ended("won", ledger.clearing(provider), provider, fact)


def dispute_lost(provider: str, fact: Mapping[str, Any]) -> Posting:
    return _dispute_ended("lost", ledger.REFUNDS, provider, fact)


def _dispute_ended(how: str, to: str, provider: str, fact: Mapping[str, Any]) -> Posting:
    return Posting(
        id=f"dispute_{how}:{fact['dispute_id']}",
        reason=f"dispute {how}",
        reference=fact["order_id"],
        transfers=(
            Transfer(to, ledger.disputes(provider), fact["currency"], fact["amount_minor"]),
        ),
    )


def sent_on(provider: str, fact: Mapping[str, Any]) -> Posting:
    """A share went to a connected account."""
    accounts = ledger.payouts(provider), ledger.clearing(provider)
    return _share(f"payout:{fact['payout_id']}", "share sent on", *accounts, fact)


def sent_back(provider: str, fact: Mapping[str, Any]) -> Posting:
    accounts = ledger.clearing(provider), ledger.payouts(provider)
    return _share(f"payout_back:{fact['reversal_id']}", "share taken back", *accounts, fact)


def _share(
    posting_id: str, reason: str, debit: str, credit: str, fact: Mapping[str, Any]
) -> Posting:
    return Posting(
        id=posting_id,
        reason=reason,
        reference=fact["payout_id"],
        transfers=(Transfer(debit, credit, fact["currency"], fact["amount_minor"]),),
    )


def _sale(order: orders.Order, paid_from: str) -> Posting:
    """What is given up for discounts is told apart from what is paid; so is the tax."""
    tax = ledger.tax_payable(order.address.country)
    earned = {
        account: sum(line.amount_minor for line in order.lines if line.kind == kind)
        for kind, account in (
            ("goods", ledger.SALES),
            ("delivery", ledger.DELIVERY_INCOME),
            ("tax", tax),
        )
    }
    given_up = -sum(line.amount_minor for line in order.lines if line.kind == "discount")
    moves: list[tuple[str, str, int]] = []
    for account, amount in earned.items():
        without = min(given_up, amount)
        given_up -= without
        moves += [(ledger.DISCOUNTS, account, without), (paid_from, account, amount - without)]
    contained = sum(line.contained_minor for line in order.lines)
    moves.append((ledger.SALES, tax, contained))
    return Posting(
        id=f"sold:{order.id}",
        reason="sale",
        reference=order.id,
        transfers=tuple(
            Transfer(debit, credit, order.currency, minor)
            for debit, credit, minor in moves
            if minor
        ),
    )
