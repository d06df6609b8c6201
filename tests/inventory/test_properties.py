"""Any sequence of what can happen to stock ends where a small model of it ends."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.inventory import HoldGone, OutOfStock, UnknownSku
from commerce.inventory.jobs import expire_holds
from commerce.inventory.model import HoldDiffers
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from tests.inventory.factories import (
    claimed,
    held,
    received,
    reclaimed,
    released,
    shelf,
    status,
)

KEYS = st.integers(0, 5).map(str)
ACTS = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 5)),
    st.tuples(st.just("hold"), KEYS, st.integers(1, 4)),
    st.tuples(st.sampled_from(["release", "claim", "reclaim"]), KEYS),
    st.tuples(st.just("wait"), st.integers(1, 700)),
    st.tuples(st.just("expire")),
)


class Shelf:
    """What should be true, in twenty lines."""

    def __init__(self):
        self.on_hand, self.now = 0, 0
        self.holds: dict[str, list] = {}  # key -> [quantity, status, expires]

    def pieces(self, status):
        return sum(quantity for quantity, now, _ in self.holds.values() if now == status)

    @property
    def free(self):
        return self.on_hand - self.pieces("held") - self.pieces("claimed")

    def hold(self, key, quantity):
        if key in self.holds:
            return "ok" if self.holds[key][0] == quantity else HoldDiffers
        if self.on_hand == 0:
            return UnknownSku
        if quantity > self.free:
            return OutOfStock
        self.holds[key] = [quantity, "held", self.now + 600]
        return "ok"

    def release(self, key):
        if self.holds[key][1] == "held":
            self.holds[key][1] = "released"
        return "ok"

    def claim(self, key):
        if self.holds[key][1] in ("released", "expired"):
            return HoldGone
        self.holds[key][1] = "claimed"
        return "ok"

    def reclaim(self, key):
        quantity, now, _ = self.holds[key]
        if now in ("released", "expired") and quantity > self.free:
            return OutOfStock
        self.holds[key][1] = "claimed"
        return "ok"

    def expire(self):
        for hold in self.holds.values():
            if hold[1] == "held" and hold[2] <= self.now:
                hold[1] = "expired"
        return "ok"


DONE = {"release": released, "claim": claimed, "reclaim": reclaimed}


async def tell(story, database, clock):
    model, known = Shelf(), {}
    for act, *rest in story:
        if act in DONE and rest[0] not in known:
            continue
        if act == "wait":
            clock.advance(rest[0] * SECOND)
            model.now += rest[0]
            continue
        if act == "receive":
            await received(database, rest[0])
            model.on_hand += rest[0]
            continue
        expected = getattr(model, act)(*rest)
        assert await what_happens(database, known, act, *rest) == expected, (act, rest)
        if model.on_hand:
            stock = (model.on_hand, model.pieces("held"), model.pieces("claimed"))
            assert await shelf(database) == stock
    for key, hold in known.items():
        assert await status(database, hold) == model.holds[key][1]


async def what_happens(database, known, act, *rest):
    try:
        if act == "hold":
            hold = await held(database, rest[0], quantity=rest[1])
            known.setdefault(rest[0], hold)
        elif act == "expire":
            await expire_holds(database)
        else:
            await DONE[act](database, known[rest[0]])
    except (HoldGone, OutOfStock, HoldDiffers, UnknownSku) as refusal:
        return type(refusal)
    return "ok"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(ACTS, min_size=5, max_size=30))
def test_stock_follows_its_model(request, kind, clock, story):
    databases = request.getfixturevalue(f"{kind}_databases")
    url = databases.create()

    async def told():
        database = await connect(url)
        try:
            await tell(story, database, clock)
        finally:
            await database.close()

    try:
        asyncio.run(told())
    finally:
        databases.drop(url)
