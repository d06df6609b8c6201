"""The checkout: from a held piece and a frozen price to a paid order, or back to where it was."""

from collections.abc import Mapping

from commerce import payments
from commerce.checkout import flow, refunding
from commerce.checkout.events import CheckoutReady
from commerce.checkout.flow import KIND
from commerce.checkout.handlers import HANDLERS
from commerce.checkout.model import CheckoutClosed, CheckoutData
from commerce.checkout.refunding import request_refund
from commerce.checkout.service import Checkout, Request, cancel_checkout, open_checkout
from commerce.kernel.database import Database
from commerce.kernel.saga import Definition

__all__ = [
    "HANDLERS",
    "KIND",
    "Checkout",
    "CheckoutClosed",
    "CheckoutData",
    "CheckoutReady",
    "Request",
    "cancel_checkout",
    "definitions",
    "open_checkout",
    "request_refund",
]


def definitions(database: Database, gateways: payments.Gateways) -> Mapping[str, Definition]:
    """The sagas of this context by their kind."""
    return {
        flow.KIND: flow.definition(database, gateways),
        refunding.KIND: refunding.definition(database, gateways),
    }
