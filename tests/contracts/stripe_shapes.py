"""Stripe's own request shapes: what its SDK says a request may hold, checked strictly."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

SESSION_CREATE = ("stripe.params.checkout._session_create_params", "SessionCreateParams")
SESSION_RETRIEVE = ("stripe.params.checkout._session_retrieve_params", "SessionRetrieveParams")
SESSION_EXPIRE = ("stripe.params.checkout._session_expire_params", "SessionExpireParams")
INTENT_RETRIEVE = ("stripe.params._payment_intent_retrieve_params", "PaymentIntentRetrieveParams")
INTENT_CAPTURE = ("stripe.params._payment_intent_capture_params", "PaymentIntentCaptureParams")
INTENT_CANCEL = ("stripe.params._payment_intent_cancel_params", "PaymentIntentCancelParams")
REFUND_CREATE = ("stripe.params._refund_create_params", "RefundCreateParams")
REFUND_LIST = ("stripe.params._refund_list_params", "RefundListParams")
REFUND_RETRIEVE = ("stripe.params._refund_retrieve_params", "RefundRetrieveParams")
TRANSFER_CREATE = ("stripe.params._transfer_create_params", "TransferCreateParams")
TRANSFER_LIST = ("stripe.params._transfer_list_params", "TransferListParams")
TRANSFER_RETRIEVE = ("stripe.params._transfer_retrieve_params", "TransferRetrieveParams")
REVERSAL_CREATE = (
    "stripe.params._transfer_reversal_create_params",
    "TransferReversalCreateParams",
)
REVERSAL_LIST = ("stripe.params._transfer_reversal_list_params", "TransferReversalListParams")
BALANCE_LIST = ("stripe.params._balance_transaction_list_params", "BalanceTransactionListParams")

Shape = tuple[str, str]


class BadRequest(Exception):
    """What Stripe answers with an invalid_request_error.

    Once it began to execute a request, the answer is kept under its key like any other.
    """

    def __init__(
        self, message: str, code: str | None = None, *, status: int = 400, began: bool = True
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.began = began


def checked(shape: Shape, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their types; unknown names and wrong types are refused, at any depth."""
    try:
        value: dict[str, Any] = _adapter(shape).validate_python(params)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{place}: {first['msg']}", "parameter_unknown", began=False) from None
    return value


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0][c]=d` as Stripe reads it."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdigit() for name in node):
        return [_lists(node[name]) for name in sorted(node, key=int)]
    return {name: _lists(value) for name, value in node.items()}


@lru_cache
def _adapter(shape: Shape) -> TypeAdapter[Any]:
    module = importlib.import_module(shape[0])
    options = importlib.import_module("stripe._request_options")
    context = importlib.import_module("stripe._stripe_context")
    objects = importlib.import_module("stripe._stripe_object")
    for value in vars(module).values():
        if hasattr(value, "__required_keys__"):  # a TypedDict
            value.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    adapter: TypeAdapter[Any] = TypeAdapter(getattr(module, shape[1]))
    names = {**vars(options), **vars(context), **vars(objects), **vars(module)}
    adapter.rebuild(_types_namespace=names, force=True, raise_errors=True)
    return adapter
