"""The lifecycle of an offer, which a fan to whom full price was offered has too."""

from __future__ import annotations

from enum import StrEnum

from commerce.kernel.machine import Machine


class Status(StrEnum):
    OPEN = "open"
    BOUGHT = "bought"
    LOST = "lost"  # it ran out
    RETURNED = "returned"  # bought, and the money went back


class Action(StrEnum):
    BUY = "buy"
    RUN_OUT = "run_out"
    RETURN = "return"


LIFE: Machine[Status, Action] = Machine(
    start=Status.OPEN,
    moves={
        (Status.OPEN, Action.BUY): Status.BOUGHT,
        (Status.OPEN, Action.RUN_OUT): Status.LOST,
        (Status.LOST, Action.BUY): Status.BOUGHT,  # paid late, at the price that was frozen
        (Status.BOUGHT, Action.RETURN): Status.RETURNED,
    },
)
