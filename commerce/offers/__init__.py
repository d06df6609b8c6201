"""Personal offers: the discount most worth proposing to this fan, learned from outcomes."""

from commerce.offers.life import LIFE, Action, Status
from commerce.offers.model import (
    BadOfferRules,
    Context,
    Group,
    Kind,
    Offer,
    OfferRulesChanged,
    Reason,
    Rules,
)
from commerce.offers.service import (
    admit,
    bought,
    exempt,
    exempted,
    propose,
    returned,
    rules,
    set_rules,
    sold,
    standing,
)

__all__ = [
    "LIFE",
    "Action",
    "BadOfferRules",
    "Context",
    "Group",
    "Kind",
    "Offer",
    "OfferRulesChanged",
    "Reason",
    "Rules",
    "Status",
    "admit",
    "bought",
    "exempt",
    "exempted",
    "propose",
    "returned",
    "rules",
    "set_rules",
    "sold",
    "standing",
]
