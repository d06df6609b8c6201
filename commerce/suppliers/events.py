"""What suppliers announce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierMoved(Event):
    """A supplier was suspended or restored."""

    name: ClassVar[str] = "supplier.moved"
    supplier_id: str
    supplier_version: int
    status: str

    @property
    def aggregate_id(self) -> str:
        return self.supplier_id
