"""Stripe's own request shapes: what its SDK says a request may hold, checked strictly."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

SESSION_CREATE = ("stripe.params.checkout._session_create_params", "SessionCreateParams")
SESSION_EXPIRE = ("stripe.params.checkout._session_expire_params", "SessionExpireParams")
REFUND_CREATE = ("stripe.params._refund_create_params", "RefundCreateParams")
REFUND_LIST = ("stripe.params._refund_list_params", "RefundListParams")

Shape = tuple[str, str]


class BadRequest(Exception):
    """What Stripe answers with 400 and an invalid_request_error."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


def checked(shape: Shape, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their types; unknown names and wrong types are refused, at any depth."""
    try:
        value: dict[str, Any] = _adapter(shape).validate_python(params)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{place}: {first['msg']}", "parameter_unknown") from None
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
    for value in vars(module).values():
        if hasattr(value, "__required_keys__"):  # a TypedDict
            value.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    adapter: TypeAdapter[Any] = TypeAdapter(getattr(module, shape[1]))
    names = {**vars(options), **vars(context), **vars(module)}
    adapter.rebuild(_types_namespace=names, force=True, raise_errors=True)
    return adapter
