"""Who may do what in the back office: one table of role and action."""

from __future__ import annotations

from enum import StrEnum

from commerce.accounts.model import NotAllowed, Role, Staff


class Action(StrEnum):
    RUN_SESSION = "run_session"  # start and end one's own sessions, pin and unpin
    SEE_ORDERS = "see_orders"
    EDIT_PRODUCTS = "edit_products"
    MOVE_STOCK = "move_stock"
    REFUND_ORDER = "refund_order"
    SEE_LEDGER = "see_ledger"
    MANAGE_STAFF = "manage_staff"
    OPERATE = "operate"  # decide about what stopped: sagas, events, messages, payment cases
    SEE_EVERYTHING = "see_everything"  # sessions, orders and products of others too


PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.LEADER: frozenset({Action.RUN_SESSION, Action.SEE_ORDERS}),
    Role.SUPPLIER: frozenset({Action.EDIT_PRODUCTS, Action.MOVE_STOCK, Action.SEE_ORDERS}),
    Role.ADMIN: frozenset(Action),
}


def may(staff: Staff, action: Action) -> bool:
    return any(action in PERMISSIONS[role] for role in staff.roles)


def require(staff: Staff, action: Action) -> None:
    if not may(staff, action):
        raise NotAllowed(action=action.value)
