"""The kinds of failure: a business no, a world that does not answer; all else is a bug."""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """The business says no: a code and facts, no words. Never retried, never alerted."""

    code: ClassVar[str] = "refused"

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code


class Outage(Exception):
    """The world did not answer. To be retried with the same key, a bounded number of times."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Contended(Outage):
    """Somebody else changed the row first, or held its lock too long."""
