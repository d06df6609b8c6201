"""What a rule takes off: one small value for each kind of effect, with its arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from commerce.kernel.money import split
from commerce.promotions.basket import Basket

WHOLE_BP = 10_000
Tier = tuple[int, int]  # from how many (or from what worth), basis points


class Missing(NamedTuple):
    """Why a rule takes nothing off, and what would change that."""

    reason: str
    facts: Mapping[str, Any]


class View(NamedTuple):
    """The goods a rule may touch, as it finds them."""

    basket: Basket
    chosen: Sequence[int]  # places of the goods in the basket
    worths: Sequence[int]  # what each good of the basket costs
    rooms: Sequence[int]  # how much of it may come off

    @property
    def pieces(self) -> int:
        return sum(self.basket.goods[place].quantity for place in self.chosen)

    @property
    def worth_minor(self) -> int:
        return sum(self.worths[place] for place in self.chosen)

    def by_price(self, places: Iterable[int]) -> list[tuple[int, int]]:
        """Every piece as (price, place), the cheapest first."""
        goods = self.basket.goods
        return sorted(
            (self.worths[place] // goods[place].quantity, place)
            for place in places
            for _ in range(goods[place].quantity)
        )


Taken = Sequence[int] | Missing  # for each good of the basket


def share(worth: int, bp: int) -> int:
    """Rounded to the nearest unit, halves up."""
    return (worth * bp + WHOLE_BP // 2) // WHOLE_BP


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    kind: ClassVar[str] = "percent"
    bp: int  # basis points of each good

    def off(self, view: View) -> Taken:
        return _percent(view, self.bp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    kind: ClassVar[str] = "fixed"
    amounts_minor: Mapping[str, int]  # by currency; never converted
    each: bool = False  # off every piece instead of off all of them together

    def off(self, view: View) -> Taken:
        amount = self.amounts_minor.get(view.basket.currency)
        if amount is None:
            return Missing("no_amount_in_currency", {"currency": view.basket.currency})
        if self.each:
            return _at(view, {p: amount * view.basket.goods[p].quantity for p in view.chosen})
        rooms = [view.rooms[place] for place in view.chosen]
        shares = split(min(amount, sum(rooms)), rooms)
        return _at(view, dict(zip(view.chosen, shares, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyGet:
    kind: ClassVar[str] = "buy_get"
    buy: int
    get: int
    bp: int = WHOLE_BP  # off each piece that one gets: all of it, or "the second at half price"
    product_ids: tuple[str, ...] = ()  # what one gets; empty = the cheapest of what is bought

    def off(self, view: View) -> Taken:
        goods = view.basket.goods
        if self.product_ids:
            bought = [p for p in view.chosen if goods[p].product_id not in self.product_ids]
            others = [p for p, good in enumerate(goods) if good.product_id in self.product_ids]
            pieces, count = view.by_price(others), sum(goods[p].quantity for p in bought)
            free = count // self.buy * self.get
            lacking = self.buy - count if count < self.buy else 1
        else:
            pieces = view.by_price(view.chosen)
            sets, rest = divmod(len(pieces), self.buy + self.get)
            free = sets * self.get + max(0, rest - self.buy)
            lacking = self.buy + 1 - len(pieces)
        taken: dict[int, int] = {}
        for price, place in pieces[:free]:
            taken[place] = taken.get(place, 0) + share(price, self.bp)
        return _at(view, taken) if taken else Missing("too_few", {"missing": lacking})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    kind: ClassVar[str] = "bundle"
    product_ids: tuple[str, ...]  # one piece of each
    prices_minor: Mapping[str, int]  # by currency, of all of them together

    def off(self, view: View) -> Taken:
        price = self.prices_minor.get(view.basket.currency)
        if price is None:
            return Missing("no_amount_in_currency", {"currency": view.basket.currency})
        pieces = {product: self._pieces(view, product) for product in self.product_ids}
        lacking = [product for product, found in pieces.items() if not found]
        if lacking:
            return Missing("bundle_incomplete", {"product_ids": lacking})
        sets = min(map(len, pieces.values()))
        worths: dict[int, int] = {}
        for found in pieces.values():
            for worth, place in found[:sets]:
                worths[place] = worths.get(place, 0) + worth
        amount = max(0, sum(worths.values()) - sets * price)
        shares = split(amount, list(worths.values()))
        return _at(view, dict(zip(worths, shares, strict=True)))

    def _pieces(self, view: View, product_id: str) -> list[tuple[int, int]]:
        """The dearest first."""
        goods = view.basket.goods
        return view.by_price(p for p in view.chosen if goods[p].product_id == product_id)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeDelivery:
    kind: ClassVar[str] = "free_delivery"

    def off(self, view: View) -> Taken:
        return (0,) * len(view.worths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiered:
    """The more, the cheaper: of the tiers reached the last one counts."""

    kind: ClassVar[str] = "tiered"
    by_quantity: tuple[Tier, ...] = ()
    by_worth: Mapping[str, tuple[Tier, ...]] = field(default_factory=dict)  # by currency

    def off(self, view: View) -> Taken:
        tiers, have = self.by_quantity, view.pieces
        if not tiers:
            tiers, have = self.by_worth.get(view.basket.currency, ()), view.worth_minor
        if not tiers:
            return Missing("no_amount_in_currency", {"currency": view.basket.currency})
        reached = [bp for least, bp in tiers if have >= least]
        if not reached:
            return Missing("tier_not_reached", {"missing": tiers[0][0] - have})
        return _percent(view, reached[-1])


Effect = Percent | Fixed | BuyGet | Bundle | FreeDelivery | Tiered
EFFECTS: Mapping[str, type[Effect]] = {
    effect.kind: effect for effect in (Percent, Fixed, BuyGet, Bundle, FreeDelivery, Tiered)
}


def _percent(view: View, bp: int) -> list[int]:
    taken = [0] * len(view.worths)
    for place in view.chosen:
        taken[place] = (view.worths[place] * bp + WHOLE_BP // 2) // WHOLE_BP
    return taken


def _at(view: View, taken: Mapping[int, int]) -> list[int]:
    """Off each good of the basket, never more than it costs."""
    return [min(taken.get(place, 0), worth) for place, worth in enumerate(view.worths)]
