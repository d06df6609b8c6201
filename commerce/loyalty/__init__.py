"""What a fan has bought before, and the standing that comes of it."""

from commerce.loyalty.model import (
    CATEGORY,
    NAME_MAX,
    BadTier,
    History,
    Segment,
    Spent,
    Standing,
    Tier,
    TierChanged,
)
from commerce.loyalty.service import (
    put_tier,
    record,
    remove_tier,
    spent,
    standing,
    take_back,
    tiers,
)

__all__ = [
    "CATEGORY",
    "NAME_MAX",
    "BadTier",
    "History",
    "Segment",
    "Spent",
    "Standing",
    "Tier",
    "TierChanged",
    "put_tier",
    "record",
    "remove_tier",
    "spent",
    "standing",
    "take_back",
    "tiers",
]
