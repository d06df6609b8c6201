"""The shop window: what is live now, and every product, to be searched and narrowed down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import jinja2
from aiohttp import web

import live
from channels import storefront_texts, web_room, web_texts
from commerce import catalog, inventory, pricing
from commerce.catalog import Facet
from commerce.kernel import jsons
from commerce.kernel.database import Database, Tx
from commerce.kernel.money import MoneyUnreadable, format_money, parse_money

SESSIONS_MAX = 30
TEXT_LENGTH_MAX = 200  # of what is searched for
SHELVES = (  # what can be narrowed down, in the order of the page
    Facet.CATEGORY,
    Facet.BRAND,
    Facet.COLOUR,
    Facet.SIZE,
    Facet.CONDITION,
)
OPEN = (*SHELVES, Facet.STOCK, Facet.CURRENCY)
VALUES_MAX = 12  # of one facet on the page
CHOSEN_MAX = 20  # of one facet in an address


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says, as far as it can be understood."""

    query: catalog.Query
    currency: str = ""  # that prices are asked in
    price_words: tuple[str, str] = ("", "")  # as they were written
    price_bad: bool = False


class Storefront:
    def __init__(self, *, database: Database, templates: jinja2.Environment) -> None:
        self._database = database
        self._templates = templates

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/shop", self.shop),
            web.get("/shop/suggest", self.suggest),
            web.get("/shop/{product}", self.product),
        ]

    async def shop(self, request: web.Request) -> web.Response:
        language = _language(request)
        asked = understood(request.query, language)
        values = await self._database.read(lambda tx: _shop(tx, asked, language))
        return self._page("storefront/shop.html", language, asked=asked, **values)

    async def suggest(self, request: web.Request) -> web.Response:
        """Titles for the text that is still being written."""
        text = request.query.get("q", "")
        found = await self._database.read(lambda tx: catalog.complete(tx, text))
        body = [{"title": one.title, "url": f"/shop/{one.product_id}"} for one in found]
        return web.json_response(text=jsons.dumps(body), headers={"Cache-Control": "no-store"})

    async def product(self, request: web.Request) -> web.Response:
        language = _language(request)
        product_id = request.match_info["product"].replace("\x00", "")  # no database takes it
        values = await self._database.read(lambda tx: _product(tx, product_id, language))
        if values is None:
            return self._page("storefront/unknown.html", language, status=404)
        return self._page("storefront/product.html", language, **values)

    def _page(
        self, template: str, language: str, *, status: int = 200, **values: Any
    ) -> web.Response:
        words = web_texts.PAGE[language] | storefront_texts.SHOP[language]
        text = self._templates.get_template(template).render(lang=language, t=words, **values)
        return web.Response(
            text=text,
            status=status,
            content_type="text/html",
            headers={"Cache-Control": "no-store", "Vary": "Accept-Language"},
        )


def understood(given: Mapping[str, str], language: str) -> Asked:
    """The query of an address; what makes no sense in it is as if it were not there."""
    chosen = {facet: _values(given, facet) for facet in OPEN}
    page = given.get("page", "")
    sort = given.get("sort", "")
    words = (given.get("min", "").strip()[:20], given.get("max", "").strip()[:20])
    currency = next(iter(chosen[Facet.CURRENCY]), given.get("priced_in", ""))[:3]
    try:
        price, bad = _between(words, currency, language), False
    except MoneyUnreadable:
        price, bad = None, True
    query = catalog.Query(
        text=given.get("q", "").strip()[:TEXT_LENGTH_MAX],
        chosen={facet: values for facet, values in chosen.items() if values},
        price=price,
        sort=catalog.Sort(sort) if sort in set(catalog.Sort) else catalog.Sort.BEST,
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )
    return Asked(query, currency, words, bad)


def _values(given: Mapping[str, str], facet: Facet) -> tuple[str, ...]:
    listed = given.getall(facet, []) if hasattr(given, "getall") else [given.get(facet, "")]
    return tuple(dict.fromkeys(value for value in listed if value))[:CHOSEN_MAX]


def _between(words: tuple[str, str], currency: str, language: str) -> catalog.Between | None:
    if not currency or not any(words):
        return None
    low, high = (parse_money(said, currency, language) if said else None for said in words)
    if high is None:
        return catalog.Between(currency, low or 0)
    return catalog.Between(currency, low or 0, high)


async def _shop(tx: Tx, asked: Asked, language: str) -> dict[str, Any]:
    query = asked.query
    found = await catalog.search(tx, query)
    first = not query.text and not query.chosen and not any(asked.price_words) and query.page == 1
    sessions = await live.live_sessions(tx)
    states = [await web_room.read_state(tx, one.id) for one in sessions[:SESSIONS_MAX]]
    names = await _names(tx)
    pinned = {s["offer"]["product_id"] for s in states if s["offer"]}
    skus = _skus(found.hits)
    left = await inventory.available(tx, skus)
    shown = await pricing.shown(tx, skus)
    return {
        "rooms": [web_room.state_body(state, language, 0) for state in states],
        "rooms_first": first,
        "found": found,
        "cards": [card(p, left, shown, language, is_live=p.id in pinned) for p in found.hits],
        "shelves": [
            shelf
            for facet in OPEN
            if (shelf := _shelf(query, found, facet, names, language))["values"]
        ],
        "chips": _chips(asked, names, language),
        "currency": asked.currency or _currency(found),
        "pages": _pages(asked, found),
        "bare": first and not found.total,
    }


async def _names(tx: Tx) -> dict[Facet, dict[str, str]]:
    return {
        Facet.CATEGORY: {one.id: one.name for one in await catalog.categories(tx)},
        Facet.BRAND: {one.id: one.name for one in await catalog.brands(tx)},
    }


def _skus(products: Sequence[catalog.Product]) -> list[str]:
    return [variant.sku for product in products for variant in product.variants]


def card(
    product: catalog.Product,
    left: Mapping[str, int],
    shown: Mapping[str, pricing.Shown],
    language: str,
    *,
    is_live: bool,
) -> dict[str, Any]:
    """A product on the shelf."""
    prices = sorted(
        {(s.price_minor, s.currency) for v in product.variants if (s := shown.get(v.sku))}
    )
    return {
        "id": product.id,
        "title": product.title,
        "image": catalog.thumbnail(product.image),
        "srcset": catalog.srcset(product.image),
        "price": format_money(*prices[0], language) if prices else "",
        "price_varies": len(prices) > 1,
        "gone": not any(left[variant.sku] > 0 for variant in product.variants),
        "live": is_live,
    }


def _shelf(
    query: catalog.Query,
    found: catalog.Found,
    facet: Facet,
    names: Mapping[Facet, Mapping[str, str]],
    language: str,
) -> dict[str, Any]:
    """What can be chosen of a facet, how many there would be, and what is chosen already."""
    chosen = query.chosen.get(facet, ())
    counts = dict(found.facets.get(facet, ())[:VALUES_MAX])
    if not chosen and found.total and list(counts.values()) == [found.total]:
        counts = {}  # all of them are alike in this: there is nothing to choose
    values = [*counts, *(value for value in chosen if value not in counts)]
    return {
        "facet": facet,
        "values": [
            {
                "value": value,
                "name": _named(facet, value, names, language),
                "count": counts.get(value, 0),
                "chosen": value in chosen,
            }
            for value in values
            if facet not in names or value in names[facet]
        ],
    }


def _named(
    facet: Facet, value: str, names: Mapping[Facet, Mapping[str, str]], language: str
) -> str:
    if facet in names:
        return names[facet].get(value, "")
    words = storefront_texts.SHOP[language]
    match facet:
        case Facet.COLOUR:
            return storefront_texts.colour(language, value)
        case Facet.CONDITION:
            return words.get(f"condition_{value}", value)
        case Facet.STOCK:
            return words["in_stock"]
    return value


def _chips(
    asked: Asked, names: Mapping[Facet, Mapping[str, str]], language: str
) -> list[dict[str, str]]:
    """What is chosen, each with the address without it."""
    chips = [
        {
            "name": _named(facet, value, names, language),
            "url": _address(asked, taken_off=(facet, value)),
        }
        for facet, values in asked.query.chosen.items()
        for value in values
    ]
    if asked.query.price is not None:
        name = f"{' – '.join(asked.price_words)} {asked.currency}"
        chips.append({"name": name, "url": _address(replace(asked, price_words=("", "")))})
    return chips


def _currency(found: catalog.Found) -> str:
    """What most is sold in."""
    return next((value for value, _ in found.facets.get(Facet.CURRENCY, ())), "")


def _pages(asked: Asked, found: catalog.Found) -> dict[str, str]:
    query = asked.query
    last = -(-found.total // query.page_size)
    return {
        "number": str(query.page),
        "previous": _address(asked, page=query.page - 1) if 1 < query.page <= last + 1 else "",
        "next": _address(asked, page=query.page + 1) if query.page < last else "",
    }


def _address(asked: Asked, *, page: int = 1, taken_off: tuple[Facet, str] | None = None) -> str:
    query = asked.query
    parts = [
        (str(facet), value)
        for facet, values in query.chosen.items()
        for value in values
        if (facet, value) != taken_off
    ]
    low, high = asked.price_words
    given = {"q": query.text, "min": low, "max": high}
    parts += [(name, value) for name, value in given.items() if value]
    if low or high:
        parts.append(("priced_in", asked.currency))
    if query.sort is not catalog.Sort.BEST:
        parts.append(("sort", str(query.sort)))
    if page > 1:
        parts.append(("page", str(page)))
    return f"/shop?{urlencode(parts)}" if parts else "/shop"


async def _product(tx: Tx, product_id: str, language: str) -> dict[str, Any] | None:
    found = await catalog.products(tx, [product_id])
    sessions = await live.live_sessions(tx)
    showing = [
        session
        for session in sessions[:SESSIONS_MAX]
        if (pin := await live.pinned(tx, session.id)) and pin.product_id == product_id
    ]
    # Unlisted ones are in no list; who meets one in a live may look at it.
    if not found or not (catalog.PUBLIC.sees(found[0]) or (found[0].sellable and showing)):
        return None
    (product,) = found
    left = await inventory.available(tx, _skus(found))
    shown = await pricing.shown(tx, _skus(found))
    return {
        "product": product,
        "pictures": [
            {"src": path, "srcset": catalog.srcset(path)}
            for path in dict.fromkeys([*product.pictures, *(v.image for v in product.variants)])
            if path
        ],
        "card": card(product, left, shown, language, is_live=bool(showing)),
        "variants": [
            _style(variant, shown[variant.sku], left[variant.sku], language)
            for variant in product.variants
            if variant.sku in shown
        ],
        "showing": showing,
    }


def _style(
    variant: catalog.Variant, shown: pricing.Shown, left: int, language: str
) -> dict[str, Any]:
    cheaper = shown.price_minor < shown.list_minor
    return {
        "label": variant.label,
        "price": format_money(shown.price_minor, shown.currency, language),
        "before": format_money(shown.list_minor, shown.currency, language) if cheaper else "",
        "why": shown.title.get(language, "") if cheaper else "",
        "left": left,
    }


def _language(request: web.Request) -> str:
    return web_texts.language_of(request.headers.get("Accept-Language", ""))
