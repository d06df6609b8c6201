"""The suppliers: who owns products and stock, and whether we sell for them."""

from commerce.suppliers.events import SupplierMoved
from commerce.suppliers.model import (
    LIFE,
    Action,
    NoSuchSupplier,
    Status,
    Supplier,
)
from commerce.suppliers.service import create, get, move, suppliers

__all__ = [
    "LIFE",
    "Action",
    "NoSuchSupplier",
    "Status",
    "Supplier",
    "SupplierMoved",
    "create",
    "get",
    "move",
    "suppliers",
]
