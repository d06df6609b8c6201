"""Who owns products and stock, and whether we sell for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine


class Status(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"  # nothing of theirs is sold; what was sold is still delivered and paid


class Action(StrEnum):
    SUSPEND = "suspend"
    RESTORE = "restore"


LIFE: Machine[Status, Action] = Machine(
    start=Status.ACTIVE,
    moves={
        (Status.ACTIVE, Action.SUSPEND): Status.SUSPENDED,
        (Status.SUSPENDED, Action.RESTORE): Status.ACTIVE,
    },
)


class NoSuchSupplier(Refusal):
    code = "no_such_supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    id: str
    name: str
    country: str  # ISO 3166 alpha-2, where parcels leave from
    currency: str  # ISO 4217, what they are paid in
    status: Status = Status.ACTIVE
    version: int = 1


def difference(known: Supplier, given: Supplier) -> str | None:
    """The field in which a repeated creation says something else."""
    for field in ("name", "country", "currency"):
        if getattr(known, field) != getattr(given, field):
            return field
    return None
