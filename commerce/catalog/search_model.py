"""What the search is asked and answers; how its entries look, match, rank and are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from commerce.catalog import search_words
from commerce.catalog.model import Product, Status
from commerce.catalog.search_words import Term

PAGE_SIZE = 24
PAGE_MAX = 200
CANDIDATES_MAX = 1_000  # more than that nobody leafs through: then the counts say "at least"
VALUES_MAX = 20  # of one facet, the most frequent
VALUE_LENGTH_MAX = 60
DESCRIPTION_LENGTH_MAX = 2_000
NO_PRICE = 2**62

_PLAIN = re.compile("[a-z0-9-]+")
Groups = tuple[tuple[Term, ...], ...]  # one term of each group


class Facet(StrEnum):
    CATEGORY = "category"  # ids: its own and those above
    BRAND = "brand"
    COLOUR = "colour"  # in English where we know it
    SIZE = "size"
    CONDITION = "condition"
    SUPPLIER = "supplier"
    LEADER = "leader"  # who lists it
    STATUS = "status"
    STOCK = "stock"  # "in" where a piece can be had
    CURRENCY = "currency"


class Sort(StrEnum):
    BEST = "best"
    NEWEST = "newest"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"


class Eyes(StrEnum):
    """Who looks, and so what may be seen."""

    PUBLIC = "public"  # what is published
    LEADER = "leader"  # what can be sold
    SUPPLIER = "supplier"  # their own
    STAFF = "staff"  # everything


@dataclass(frozen=True, slots=True)
class Viewer:
    eyes: Eyes = Eyes.PUBLIC
    id: str = ""

    def sees(self, product: Product) -> bool:
        match self.eyes:
            case Eyes.PUBLIC:
                return product.status is Status.PUBLISHED
            case Eyes.LEADER:
                return product.sellable
            case Eyes.SUPPLIER:
                return product.supplier_id == self.id
        return True


PUBLIC = Viewer()


@dataclass(frozen=True, slots=True)
class Between:
    """Prices of one currency: those of another cannot be compared."""

    currency: str
    low_minor: int = 0
    high_minor: int = NO_PRICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    text: str = ""
    chosen: Mapping[Facet, Sequence[str]] = field(default_factory=dict)  # any value of each facet
    price: Between | None = None
    viewer: Viewer = PUBLIC
    sort: Sort = Sort.BEST
    page: int = 1
    page_size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    hits: tuple[Product, ...]
    total: int
    more: bool = False  # there are more than `total`, and than is counted
    facets: Mapping[Facet, tuple[tuple[str, int], ...]]  # frequent values first
    corrected: str = ""  # what was looked for instead, where the text found nothing


@dataclass(frozen=True, slots=True)
class Suggestion:
    product_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that an entry is made of."""

    product: Product
    created_at: int
    category_path: Sequence[str] = ()
    names: Sequence[str] = ()  # of the brand and the categories
    leaders: Mapping[str, str] = field(default_factory=dict)  # id -> the title they give it
    in_stock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    product_id: str
    version: int
    currency: str
    price_minor: int
    created_at: int
    heading: str
    facets: str
    words: frozenset[str]


def token(kind: str, value: str) -> str:
    """A value as one word that both engines take as it is; no word that is written begins so."""
    value = value[:VALUE_LENGTH_MAX]
    if _PLAIN.fullmatch(value):
        return f"_{kind}_{value}"
    return f"_{kind}__{value.encode(errors='replace').hex()}"


def kind_and_value(told: str) -> tuple[str, str]:
    _, kind, value = told.split("_", 2)
    return kind, bytes.fromhex(value[1:]).decode() if value[:1] == "_" else value


IN_STOCK = token(Facet.STOCK, "in")


def entry_of(facts: Facts) -> Entry:
    product = facts.product
    prices = [variant.price_minor for variant in product.variants]
    price_minor = min(prices, default=0)
    hidden = [token("sku", variant.sku.casefold()) for variant in product.variants]
    hidden.append(_price_token(product.currency, price_minor.bit_length()))
    hidden += [_seen(eyes) for eyes in Eyes if Viewer(eyes, product.supplier_id).sees(product)]
    texts = "\n".join((*_telling_texts(facts), product.description[:DESCRIPTION_LENGTH_MAX]))
    facets = list(_facet_tokens(facts))
    return Entry(
        product_id=product.id,
        version=product.version,
        currency=product.currency,
        price_minor=price_minor,
        created_at=facts.created_at,
        heading=search_words.fold(product.title),
        facets=" ".join(facets),
        words=frozenset((*hidden, *facets, *search_words.words_of(texts))),
    )


def terms_of(facts: Facts) -> set[str]:
    """The words to which a slip may be put right; those of descriptions are too many."""
    words = search_words.words_of("\n".join(_telling_texts(facts)))
    return set(filter(search_words.correctable, words))


def _telling_texts(facts: Facts) -> list[str]:
    variants = facts.product.variants
    told = {text for v in variants for text in (v.label, *v.attributes.values())}
    return [facts.product.title, *told, *facts.names, *facts.leaders.values()]


def _facet_tokens(facts: Facts) -> Iterable[str]:
    product = facts.product
    values: dict[Facet, set[str]] = {
        Facet.CATEGORY: set(facts.category_path),
        Facet.BRAND: {product.brand_id} - {""},
        Facet.COLOUR: {_colour(value) for value in _attributes(product, "colour", "color")},
        Facet.SIZE: {_size(value.strip()) for value in _attributes(product, "size")},
        Facet.CONDITION: {product.condition},
        Facet.SUPPLIER: {product.supplier_id},
        Facet.LEADER: set(facts.leaders),
        Facet.STATUS: {product.status},
        Facet.STOCK: {"in"} if facts.in_stock else set(),
        Facet.CURRENCY: {product.currency},
    }
    return (token(facet, value) for facet, of in values.items() for value in sorted(of))


def _attributes(product: Product, *names: str) -> list[str]:
    return [
        value
        for variant in product.variants
        for name, value in variant.attributes.items()
        if name.casefold() in names and value.strip()
    ]


def _colour(value: str) -> str:
    folded = search_words.fold(value)
    return search_words.COLOURS.get(folded, folded) or value.strip()


def _size(value: str) -> str:
    """One way to write each: "xl" is XL, "LARGE" is Large."""
    return value.upper() if len(value) <= 4 else value.capitalize()


def _price_token(currency: str, magnitude: int) -> str:
    return token("price", f"{currency}{magnitude}".casefold())


def _seen(eyes: Eyes) -> str:
    return token("seen", eyes)


def must_match(
    query: Query, words: Iterable[Sequence[Term]], *, without: Facet | None = None
) -> Groups:
    """What an entry must have for the query; `without` leaves what was chosen of a facet open."""
    viewer = query.viewer
    groups = [tuple(group) for group in words]
    groups += [
        tuple(Term(token(facet, value)) for value in values)
        for facet, values in query.chosen.items()
        if values and facet is not without
    ]
    if query.price is not None:
        groups.append(_magnitudes(query.price))
    if viewer.eyes is Eyes.SUPPLIER:
        groups.append((Term(token(Facet.SUPPLIER, viewer.id)),))
    else:
        groups.append((Term(_seen(viewer.eyes)),))
    return tuple(groups)


def _magnitudes(price: Between) -> tuple[Term, ...]:
    """The powers of two a price may lie between: so that few have to be compared exactly."""
    low, high = price.low_minor.bit_length(), min(price.high_minor, NO_PRICE).bit_length()
    return tuple(Term(_price_token(price.currency, n)) for n in range(low, high + 1))


def of_sku(sku: str) -> tuple[Term, ...]:
    return (Term(token("sku", sku.casefold())),)


class Candidate(NamedTuple):  # thousands of them are made for a search
    product_id: str
    created_at: int
    currency: str
    price_minor: int
    heading: str
    facets: str


def ranked(
    found: Iterable[Candidate],
    words: Sequence[str],
    sort: Sort,
    first: frozenset[str] = frozenset(),
) -> list[str]:
    """Ids: what the SKU named, then by the sort; what is equal in it newest first."""

    def place(one: Candidate) -> tuple[object, ...]:
        newest = (-one.created_at, one.product_id)
        match sort:
            case Sort.BEST:
                return (one.product_id not in first, -_likeness(one.heading, words), *newest)
            case Sort.CHEAPEST:
                return (one.currency, one.price_minor, *newest)
            case Sort.DEAREST:
                return (one.currency, -one.price_minor, *newest)
        return newest

    return [one.product_id for one in sorted(found, key=place)]


def _likeness(heading: str, words: Sequence[str]) -> int:
    """How much of the title is what was looked for."""
    if not words:
        return 0
    spaced = f" {heading} "
    points = sum(3 if f" {w} " in spaced else 1 if f" {w}" in spaced else 0 for w in words)
    return points + (spaced == f" {' '.join(words)} ")


def counted(facets: Iterable[str]) -> dict[Facet, tuple[tuple[str, int], ...]]:
    """How often each value occurs, the most frequent values of each facet."""
    counts = Counter(chain.from_iterable(map(str.split, facets)))
    by_facet: dict[Facet, list[tuple[str, int]]] = {}
    for told, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        kind, value = kind_and_value(told)
        listed = by_facet.setdefault(Facet(kind), [])
        if len(listed) < VALUES_MAX:
            listed.append((value, count))
    return {facet: tuple(values) for facet, values in by_facet.items()}


def nearest(word: str, terms: Iterable[str]) -> list[str]:
    """Terms of which the word may be a slip, the likeliest first."""
    most = search_words.slips_allowed(word)
    near = [(search_words.slips(word, term, most), term) for term in terms]
    return [
        term
        for _, term in sorted(
            (one for one in near if one[0] <= most),
            key=lambda one: (one[0], one[1][:1] != word[:1], one[1]),
        )
    ]
