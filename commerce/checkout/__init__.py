"""The checkout: from a held piece and a frozen price to a paid order, or back to where it was."""

from collections.abc import Mapping

from commerce import payments
from commerce.checkout import flow, refunding
from commerce.checkout.events import CheckoutReady
from commerce.checkout.flow import KIND
from commerce.checkout.handlers import HANDLERS
from commerce.checkout.healing import abandon, conclude_refund, finish
from commerce.checkout.model import CheckoutClosed, CheckoutData
from commerce.checkout.reconciliation_values import (
    ComparingNow,
    Comparison,
    Difference,
    DifferenceAct,
    DifferenceStatus,
    EmptyReport,
    Found,
    NoReport,
    NoSuchDifference,
    Owed,
    Run,
    RunStatus,
    Total,
)
from commerce.checkout.reconciliation_values import Kind as DifferenceKind
from commerce.checkout.reconciliation_words import Explanation, explain, malformed, provider_name
from commerce.checkout.reconciling import (
    close_difference,
    confirm_payout,
    difference,
    differences_of,
    open_differences,
    owed,
    run,
    runs,
)
from commerce.checkout.refunding import request_refund
from commerce.checkout.reporting import (
    compare_day,
    compare_file,
    compared,
    period_of,
    read_file,
    reporting_gateway,
    reporting_providers,
)
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
    "ComparingNow",
    "Comparison",
    "Difference",
    "DifferenceAct",
    "DifferenceKind",
    "DifferenceStatus",
    "EmptyReport",
    "Explanation",
    "Found",
    "NoReport",
    "NoSuchDifference",
    "Owed",
    "Request",
    "Run",
    "RunStatus",
    "Total",
    "abandon",
    "cancel_checkout",
    "close_difference",
    "compare_day",
    "compare_file",
    "compared",
    "conclude_refund",
    "confirm_payout",
    "definitions",
    "difference",
    "differences_of",
    "explain",
    "finish",
    "malformed",
    "open_checkout",
    "open_differences",
    "owed",
    "period_of",
    "provider_name",
    "read_file",
    "reporting_gateway",
    "reporting_providers",
    "request_refund",
    "run",
    "runs",
]


def definitions(database: Database, gateways: payments.Gateways) -> Mapping[str, Definition]:
    """The sagas of this context by their kind."""
    return {
        flow.KIND: flow.definition(database, gateways),
        refunding.KIND: refunding.definition(database, gateways),
    }
