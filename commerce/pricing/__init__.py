"""The price of something for this fan now, frozen line by line."""

from commerce.pricing.model import (
    BadPrice,
    BadQuantity,
    Destination,
    Item,
    Line,
    LineKind,
    MixedCurrencies,
    NoDelivery,
    NoSuchQuote,
    NotForSale,
    Priced,
    Quote,
    QuoteExpired,
    Rate,
    Rates,
    Wanted,
    Zone,
    quote,
)
from commerce.pricing.rates import RATES
from commerce.pricing.service import frozen, price, valid

__all__ = [
    "RATES",
    "BadPrice",
    "BadQuantity",
    "Destination",
    "Item",
    "Line",
    "LineKind",
    "MixedCurrencies",
    "NoDelivery",
    "NoSuchQuote",
    "NotForSale",
    "Priced",
    "Quote",
    "QuoteExpired",
    "Rate",
    "Rates",
    "Wanted",
    "Zone",
    "frozen",
    "price",
    "quote",
    "valid",
]
