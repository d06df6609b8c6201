"""The checkout: from a held piece and a frozen price to a paid order, or back to where it was."""

from commerce.checkout.events import CheckoutReady
from commerce.checkout.flow import KIND, definition
from commerce.checkout.handlers import HANDLERS
from commerce.checkout.model import CheckoutClosed, CheckoutData
from commerce.checkout.service import Checkout, Request, cancel_checkout, open_checkout

__all__ = [
    "HANDLERS",
    "KIND",
    "Checkout",
    "CheckoutClosed",
    "CheckoutData",
    "CheckoutReady",
    "Request",
    "cancel_checkout",
    "definition",
    "open_checkout",
]
