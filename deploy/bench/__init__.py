"""Measures a till from outside: it runs in a process of its own, and fans drive its HTTP edge."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The database under the till."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
