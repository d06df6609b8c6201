"""A shop with a supplier's two shirts, and promotions of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from commerce import accounts, promotions, suppliers
from commerce.accounts import Role, Staff
from commerce.kernel.audit import Intervention
from commerce.promotions import (
    Basket,
    Draft,
    Funder,
    Good,
    Kind,
    Percent,
    Promotion,
    Rule,
    Visibility,
)
from tests.catalog.factories import a_draft, a_product, a_product_on_sale, a_variant
from tests.conftest import NOON

DAY = 86_400_000_000
ADMIN = Staff(id="ada", email="a@x.example", name="Ada", roles=frozenset({Role.ADMIN}))
SOL = Staff(
    id="sol-1", email="s@x.example", name="Sol", roles=frozenset({Role.SUPPLIER}), supplier_id="sol"
)
LUNA = replace(SOL, id="luna-1", name="Luna", supplier_id="luna")


def a_good(**changes) -> Good:
    facts = {
        "sku": "shirt-m", "product_id": "shirt", "supplier_id": "sol", "quantity": 1,
        "unit_minor": 2_500, "floor_minor": 0,
    }  # fmt: skip
    return Good(**(facts | changes))


def a_basket(*goods: Good, **changes) -> Basket:
    facts = {"goods": goods or (a_good(),), "currency": "EUR", "at": NOON, "leader_id": "mara"}
    return Basket(**(facts | changes))


def a_rule(**changes) -> Rule:
    facts = {
        "id": "rule", "title": {"en": "Ten off"}, "effect": Percent(bp=1_000),
        "funder": Funder.SUPPLIER,
    }  # fmt: skip
    return Rule(**(facts | changes))


def a_promotion_draft(**changes) -> Draft:
    """Ten percent off everything of its owner, for everybody, from now on."""
    rule = changes.pop("rule", None) or a_rule(id="", starts_at=NOON)
    facts = {"kind": Kind.DEFAULT, "visibility": Visibility.GLOBAL, "rule": rule}
    return Draft(**(facts | changes))


def will(key: str, by: Staff, reason: str = "because it sells") -> Intervention:
    return Intervention(key=key, actor=by.id, actor_name=by.name, reason=reason)


class Office:
    """People who work on promotions, through the doors, on one database."""

    def __init__(self, database):
        self.database = database
        self.forms = 0

    async def opens(self) -> None:
        await self.does(a_product_on_sale)
        hat = a_product(id="hat", title="Hat", variants=(a_variant(sku="hat", price_minor=1_000),))
        await self.does(a_draft, hat)
        await self.does(suppliers.create, supplier_id="luna", name="Luna", country="ES",
                        currency="EUR")  # fmt: skip
        self.mara = await self.leader("mara@x.example")

    async def leader(self, email: str) -> Staff:
        return await self.does(
            accounts.create_staff, email=email, name="Mara", password_hash="x",
            roles=[Role.LEADER],
        )  # fmt: skip

    async def does(self, work: Any, *args: Any, **kw: Any) -> Any:
        return await self.database.unit_of_work(partial(_after_tx, work, args, kw))

    async def sees(self, work: Any, *args: Any, **kw: Any) -> Any:
        return await self.database.read(partial(_after_tx, work, args, kw))

    async def draws_up(self, by: Staff = SOL, *, promotion_id: str = "", **changes) -> Promotion:
        draft = a_promotion_draft(**changes)
        return await self.does(promotions.draw_up, by, draft, promotion_id=promotion_id)

    async def moves(self, deed: Any, by: Staff, one: Promotion, reason="because") -> Promotion:
        self.forms += 1
        await self.does(deed, by, one.id, will(f"form-{self.forms}", by, reason))
        return await self.now(one)

    async def now(self, one: Promotion) -> Promotion:
        return await self.sees(promotions.promotion, one.id)

    async def runs(self, by: Staff = SOL, **changes) -> Promotion:
        """Drawn up, asked for and agreed to."""
        asked = await self.moves(promotions.submit, by, await self.draws_up(by, **changes))
        if asked.status is promotions.Status.PENDING:
            asked = await self.moves(promotions.approve, ADMIN, asked)
        return asked

    async def coupon(self, code: str = "SUN10", most: int | None = None, **changes) -> Promotion:
        """A promotion that runs for those who know the code."""
        one = await self.runs(by_code=True, **changes)
        await self.does(promotions.add_code, SOL, one.id, code, most=most)
        return one


async def _after_tx(work, args, kw, tx):
    return await work(tx, *args, **kw)
