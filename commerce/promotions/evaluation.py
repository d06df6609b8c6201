"""What rules take off a basket: pure, in integers, and below no floor in any combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub
from typing import NamedTuple

from commerce.kernel.money import split
from commerce.promotions import conditions
from commerce.promotions.basket import Basket, Discount, NotApplied, Outcome, Source
from commerce.promotions.effects import WHOLE_BP, FreeDelivery, Missing, View
from commerce.promotions.rules import Combining, Mode, Policy, Rule

RANK = {source: rank for rank, source in enumerate(Source)}
# By a name of the module a member is found several times faster than by its enum.
PROMOTION, COMBINE = Source.PROMOTION, Combining.COMBINE


class Wish(NamedTuple):
    """What a rule would take off if it were alone and nothing limited it but itself."""

    rule: Rule
    meant: Sequence[int]  # places of the goods it is about
    goods: Sequence[int]
    delivery: int


@dataclass(slots=True)
class Room:
    """What may still come off: of each good, of all goods together, and of the delivery."""

    goods: list[int]
    together: int
    delivery: int

    def take(self, wish: Wish) -> tuple[tuple[int, ...], int]:
        goods = tuple(map(min, wish.goods, self.goods))
        total = sum(goods)
        if total > self.together:
            goods, total = split(self.together, goods), self.together
        delivery = min(wish.delivery, self.delivery)
        self.together -= total
        self.delivery -= delivery
        self.goods = list(map(sub, self.goods, goods))
        return goods, delivery


def evaluate(basket: Basket, rules: Sequence[Rule], policy: Policy, timezone: str) -> Outcome:
    """The discounts in the order of source, priority and id, whatever order the rules come in."""
    counting = _Counting(basket, policy, timezone)
    wishes = []
    for rule in sorted(rules, key=_place):
        wish = counting.wish(rule)
        if isinstance(wish, Wish):
            wishes.append(wish)
        else:
            counting.refuse(rule, wish)
    discounts, without = counting.apply(counting.beside_each_other(wishes))
    for rule, missing in without:
        counting.refuse(rule, missing)
    return Outcome(discounts=tuple(discounts), not_applied=tuple(counting.refused))


def _place(rule: Rule) -> tuple[int, int, str]:
    source = rule.source
    return 0 if source is PROMOTION else RANK[source], -rule.priority, rule.id


class _Counting:
    def __init__(self, basket: Basket, policy: Policy, timezone: str) -> None:
        self.basket, self.policy, self.timezone = basket, policy, timezone
        self.worths = [good.unit_minor * good.quantity for good in basket.goods]
        self.rooms = [
            max(0, worth - good.floor_minor * good.quantity)
            for worth, good in zip(self.worths, basket.goods, strict=True)
        ]
        self.refused: list[NotApplied] = []

    def refuse(self, rule: Rule, why: Missing) -> None:
        self.refused.append(
            NotApplied(rule_id=rule.id, source=rule.source, reason=why.reason, facts=why.facts)
        )

    def wish(self, rule: Rule) -> Wish | Missing:
        basket, asked = self.basket, rule.conditions
        if basket.at < rule.starts_at:
            return Missing("not_started", {"starts_at": rule.starts_at})
        if rule.ends_at is not None and basket.at >= rule.ends_at:
            return Missing("ended", {"ended_at": rule.ends_at})
        if rule.per_fan is not None and basket.buyer.uses.get(rule.id, 0) >= rule.per_fan:
            return Missing("already_used", {"times": rule.per_fan})
        missing = conditions.unmet(asked, basket, self.timezone)
        if missing is not None:
            return missing
        meant = conditions.goods_meant(asked, basket)
        if isinstance(meant, Missing):
            return meant
        view = View(basket, meant, self.worths, self.rooms)
        if asked.min_quantity or asked.min_worth_minor:
            missing = conditions.too_little(asked, basket.currency, view.pieces, view.worth_minor)
            if missing is not None:
                return missing
        return _wanted(rule, view)

    def beside_each_other(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        """Those that may stand together, for the fan's best; of equal ones the first."""
        if self.policy.mode is Mode.BEST:
            sets = [[wish] for wish in wishes]
        elif all(wish.rule.stacking.combining is COMBINE for wish in wishes):
            return wishes
        else:
            alone = [[w] for w in wishes if w.rule.stacking.combining is Combining.EXCLUSIVE]
            together = self._best_of_groups(wishes)
            sets = [together, *alone] if together else alone
        chosen = max(sets, key=self._worth, default=[])
        standing = {wish.rule.id for wish in chosen}
        why = Missing("better_applies", {"rule_ids": [wish.rule.id for wish in chosen]})
        for wish in wishes:
            if wish.rule.id not in standing:
                self.refuse(wish.rule, why)
        return chosen

    def _best_of_groups(self, wishes: Sequence[Wish]) -> list[Wish]:
        best: dict[str, Wish] = {}
        for wish in wishes:
            stacking = wish.rule.stacking
            if stacking.combining is Combining.BEST_OF_GROUP:
                known = best.setdefault(stacking.group, wish)
                best[stacking.group] = max(known, wish, key=lambda one: self._worth([one]))
        return [
            wish
            for wish in wishes
            if wish.rule.stacking.combining is COMBINE or best.get(wish.rule.stacking.group) is wish
        ]

    def _worth(self, wishes: Sequence[Wish]) -> int:
        return sum(discount.amount_minor for discount in self.apply(wishes)[0])

    def apply(self, wishes: Sequence[Wish]) -> tuple[list[Discount], list[tuple[Rule, Missing]]]:
        """Within the floors and the policy's maximum; and the rules for which nothing was left."""
        most = sum(self.worths) * self.policy.maximum_bp // WHOLE_BP
        room = Room(list(self.rooms), most, self.basket.delivery_minor)
        one_by_one = self.policy.mode is Mode.SEQUENTIAL
        left = self.worths
        discounts: list[Discount] = []
        without: list[tuple[Rule, Missing]] = []
        for wish in wishes:
            wanted: Wish | Missing = wish
            if one_by_one and discounts:
                wanted = _wanted(wish.rule, View(self.basket, wish.meant, left, room.goods))
            if isinstance(wanted, Missing):
                without.append((wish.rule, wanted))
                continue
            together = room.together
            goods, delivery = room.take(wanted)
            if not delivery and not any(goods):
                without.append((wish.rule, _nothing(wanted, together)))
                continue
            if one_by_one:
                left = [worth - taken for worth, taken in zip(left, goods, strict=True)]
            discounts.append(_discount(wish.rule, goods, delivery))
        return discounts, without


def _nothing(wanted: Wish, together: int) -> Missing:
    """What leaves nothing to be taken off."""
    if not any(wanted.goods):
        return Missing("nothing_left", {})
    return Missing("floor_reached" if together else "maximum_reached", {})


def _wanted(rule: Rule, view: View) -> Wish | Missing:
    """Never more than the rule's own maximum."""
    goods = rule.effect.off(view)
    if isinstance(goods, Missing):
        return goods
    delivery = view.basket.delivery_minor if isinstance(rule.effect, FreeDelivery) else 0
    if rule.maximum_minor:
        most = rule.maximum_minor.get(view.basket.currency)
        if most is None:
            return Missing("no_amount_in_currency", {"currency": view.basket.currency})
        delivery = min(delivery, most)
        if sum(goods) > most:
            goods = split(most, goods)
    return Wish(rule, view.chosen, goods, delivery)


def _discount(rule: Rule, goods: tuple[int, ...], delivery: int) -> Discount:
    return Discount(
        rule_id=rule.id,
        source=rule.source,
        title=rule.title,
        code=rule.code,
        funder=rule.funder,
        off_goods_minor=goods,
        off_delivery_minor=delivery,
    )
