"""JSON as the database and the wire see it."""

from __future__ import annotations

from typing import Any

import orjson

BadJson = orjson.JSONDecodeError


def dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def canonical(value: Any) -> str:
    """One text for equal values, whatever the order of their keys: for comparing and hashing."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def loads(text: str | bytes) -> Any:
    return orjson.loads(text)
