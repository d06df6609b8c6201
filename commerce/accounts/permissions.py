"""Who may do what in the back office: one table of role and action."""

from __future__ import annotations

from enum import StrEnum

from commerce.accounts.model import NotAllowed, Role, Staff


class Action(StrEnum):
    RUN_SESSION = "run_session"  # start and end one's own sessions, pin and unpin
    SEE_ORDERS = "see_orders"
    EDIT_PRODUCTS = "edit_products"
    ARRANGE_CATALOG = "arrange_catalog"  # the tree of categories, and brands
    EDIT_LISTINGS = "edit_listings"  # what a leader sells, and for how much
    MOVE_STOCK = "move_stock"
    MANAGE_DELIVERY = "manage_delivery"  # warehouses, zones and rates
    PROMOTE = "promote"  # draw up promotions, coupons and flash prices
    APPROVE_PROMOTIONS = "approve_promotions"  # those that everybody sees
    REFUND_ORDER = "refund_order"
    SEE_LEDGER = "see_ledger"
    MANAGE_STAFF = "manage_staff"
    OPERATE = "operate"  # decide about what stopped: sagas, events, messages, payment cases
    SEE_EVERYTHING = "see_everything"  # sessions, orders and products of others too


PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.LEADER: frozenset(
        {Action.RUN_SESSION, Action.SEE_ORDERS, Action.EDIT_LISTINGS, Action.PROMOTE}
    ),
    Role.SUPPLIER: frozenset(
        {
            Action.EDIT_PRODUCTS,
            Action.MOVE_STOCK,
            Action.MANAGE_DELIVERY,
            Action.PROMOTE,
            Action.SEE_ORDERS,
        }
    ),
    Role.ADMIN: frozenset(Action),
}


def may(staff: Staff, action: Action) -> bool:
    return any(action in PERMISSIONS[role] for role in staff.roles)


def require(staff: Staff, action: Action) -> None:
    if not may(staff, action):
        raise NotAllowed(action=action.value)
