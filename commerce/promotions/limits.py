"""How often something may be used: counted in total, by code and by fan, each in its own row."""

from __future__ import annotations

from typing import TypedDict

from commerce.promotions.model import Promotion


class Limit(TypedDict):
    """A row that is counted up, never past `most`."""

    key: str
    promotion_id: str
    code: str
    fan_id: str
    most: int


def of_total(promotion_id: str) -> str:
    return f"total:{promotion_id}"


def of_code(code: str) -> str:
    return f"code:{code}"


def of_fan(promotion_id: str, fan_id: str) -> str:
    return f"fan:{promotion_id}:{fan_id}"


def keys(promotion_id: str, code: str, fan_id: str) -> list[str]:
    """Of every limit that one use may count in."""
    by_code = [of_code(code)] if code else []
    return [of_total(promotion_id), *by_code, of_fan(promotion_id, fan_id)]


def counted(promotion: Promotion, code: str, code_most: int | None, fan_id: str) -> list[Limit]:
    """The limits there are for one use."""
    mosts = {
        of_total(promotion.id): ("", "", promotion.total_limit),
        of_code(code): (code, "", code_most),
        of_fan(promotion.id, fan_id): ("", fan_id, promotion.rule.per_fan),
    }
    return [
        Limit(key=key, promotion_id=promotion.id, code=of, fan_id=fan, most=most)
        for key, (of, fan, most) in mosts.items()
        if most is not None
    ]
