"""What something costs this fan now and why: price lists, taxes, and quotes that are frozen."""

from commerce.pricing.basis import Basis, Flash, Item
from commerce.pricing.events import PriceChanged
from commerce.pricing.listing import end_price, prices_of, set_price
from commerce.pricing.lists import (
    ANYWHERE,
    BadPeriod,
    BadPrice,
    NoPrice,
    NoSuchPrice,
    NotYourPrice,
    Price,
    PriceOver,
    PriceOverlaps,
)
from commerce.pricing.model import (
    BadQuantity,
    Buying,
    Line,
    LineKind,
    MixedCurrencies,
    NoSuchQuote,
    NotForSale,
    Priced,
    Quote,
    QuoteExpired,
    Wanted,
)
from commerce.pricing.quoting import quote
from commerce.pricing.service import destination_of, frozen, price, valid
from commerce.pricing.showing import Shown, shown
from commerce.shipping import Destination, NoDelivery, NoRate

__all__ = [
    "ANYWHERE",
    "BadPeriod",
    "BadPrice",
    "BadQuantity",
    "Basis",
    "Buying",
    "Destination",
    "Flash",
    "Item",
    "Line",
    "LineKind",
    "MixedCurrencies",
    "NoDelivery",
    "NoPrice",
    "NoRate",
    "NoSuchPrice",
    "NoSuchQuote",
    "NotForSale",
    "NotYourPrice",
    "Price",
    "PriceChanged",
    "PriceOver",
    "PriceOverlaps",
    "Priced",
    "Quote",
    "QuoteExpired",
    "Shown",
    "Wanted",
    "destination_of",
    "end_price",
    "frozen",
    "price",
    "prices_of",
    "quote",
    "set_price",
    "shown",
    "valid",
]
