"""Facts that contexts announce to each other. Pure: no database is imported here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from commerce.kernel.database import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in the past tense. Subclasses are dataclasses of primitives."""

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def aggregate_id(self) -> str:
        raise TypeError(f"{type(self).__name__} does not say whose event it is")

    def payload(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as it travels: at least once, in order per aggregate."""

    id: str
    name: str
    version: int
    aggregate_id: str
    payload: Mapping[str, Any]
    correlation_id: str
    occurred_at: int


Handler = Callable[["Tx", Envelope], Awaitable[None]]
Handlers = Mapping[str, list[Handler]]
