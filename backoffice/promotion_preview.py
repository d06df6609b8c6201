"""What a fan would pay with a promotion, as the till itself would count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backoffice import words_promotions as words
from commerce import catalog
from commerce.catalog import Product
from commerce.kernel.clock import DAY, HOUR
from commerce.kernel.database import Tx
from commerce.promotions import Basket, Bundle, Buyer, Good, Policy, Promotion, Rule, evaluate

PIECES = (1, 2, 3)
AHEAD = 8 * DAY  # within which every weekday and hour comes once


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One basket: what it is, what it costs, and why not less."""

    what: str
    usual_minor: int
    pays_minor: int
    currency: str
    why_not: str = ""


async def goods_for(tx: Tx, promotion: Promotion, known: Sequence[Product]) -> list[Product]:
    """What it is about; of everything, one as an example."""
    wanted = promotion.rule.conditions.product_ids
    found = await catalog.products(tx, wanted) if wanted else list(known)
    own = [p for p in found if promotion.supplier_id in ("", p.supplier_id) and p.variants]
    return own if wanted else own[:1]


def lines(
    rule: Rule, products: Sequence[Product], paths: dict[str, tuple[str, ...]], policy: Policy
) -> list[Line]:
    """One, two and three pieces of each, and all of them together."""
    each = [] if isinstance(rule.effect, Bundle) else products
    baskets = [
        (f"{n} \u00d7 {product.title}", [_good(product, n, paths, policy)])
        for product in each
        for n in PIECES
    ]
    if len(products) > 1 and len({product.currency for product in products}) == 1:
        together = [_good(product, 1, paths, policy) for product in products]
        baskets.append((" + ".join(product.title for product in products), together))
    currencies = {product.id: product.currency for product in products}
    return [_line(what, goods, currencies, rule, policy) for what, goods in baskets]


def _line(
    what: str, goods: list[Good], currencies: dict[str, str], rule: Rule, policy: Policy
) -> Line:
    asked = rule.conditions
    basket = Basket(
        goods=tuple(goods),
        currency=currencies[goods[0].product_id],
        leader_id=next(iter(asked.leader_ids), ""),
        session_id=next(iter(asked.session_ids), ""),
        channel=next(iter(asked.channels), ""),
        at=rule.starts_at,
        buyer=Buyer(segments=frozenset(asked.segments)),
    )
    done = evaluate(
        replace(basket, at=_when(basket, rule, policy)), [rule], policy, policy.timezone
    )
    usual = sum(good.unit_minor * good.quantity for good in goods)
    missing = done.not_applied[0] if done.not_applied else None
    return Line(
        what=what,
        usual_minor=usual,
        pays_minor=usual - sum(discount.amount_minor for discount in done.discounts),
        currency=basket.currency,
        why_not=words.why_not(missing.reason, missing.facts) if missing else "",
    )


def _when(basket: Basket, rule: Rule, policy: Policy) -> int:
    """The first full hour at which its weekdays and hours hold."""
    for at in range(rule.starts_at, rule.starts_at + AHEAD, HOUR // 4):
        done = evaluate(replace(basket, at=at), [rule], policy, policy.timezone)
        if not any(one.reason == "other_hour" for one in done.not_applied):
            return at
    return rule.starts_at


def _good(
    product: Product, quantity: int, paths: dict[str, tuple[str, ...]], policy: Policy
) -> Good:
    variant = product.variants[0]
    return Good(
        sku=variant.sku,
        product_id=product.id,
        supplier_id=product.supplier_id,
        category_ids=paths.get(product.category_id, ()),
        quantity=quantity,
        unit_minor=variant.price_minor,
        floor_minor=min(variant.price_minor, policy.floor_minor(variant.price_min_minor or 0)),
    )
