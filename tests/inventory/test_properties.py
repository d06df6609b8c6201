"""Whatever happens to stock in whatever order, it ends where a small model of it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commerce import inventory
from commerce.inventory import (
    HoldGone,
    OutOfStock,
    SkuSuspended,
    StockChanged,
    StockPromised,
    UnknownSku,
)
from commerce.inventory.jobs import expire_holds
from commerce.inventory.model import HoldDiffers
from commerce.kernel.clock import SECOND, FakeClock
from commerce.kernel.database import Database, connect
from commerce.kernel.errors import Refusal
from commerce.kernel.machine import IllegalMove
from tests.inventory.factories import (
    begun,
    claimed,
    given_back,
    held,
    reclaimed,
    released,
    secured,
    shelf,
)

KEYS = st.integers(0, 4).map(str)
PLACES = st.sampled_from(["east", "west"])
SOME = st.integers(1, 4)
SKUS = count()
ENDS = {
    "begin": begun, "claim": claimed, "secure": secured, "reclaim": reclaimed,
    "release": released, "give_back": given_back,
}  # fmt: skip


@dataclass
class Held:
    quantity: int
    place: str
    expires_at: int
    status: str = "held"


@dataclass
class Shelves:
    """What should be true."""

    on_hand: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    suspended: bool = False

    def pieces(self, place: str, *statuses: str) -> int:
        return sum(h.quantity for h in self.holds.values() if (h.place, h.status) in
                   [(place, status) for status in statuses])  # fmt: skip

    def promised(self, place: str) -> int:
        return self.pieces(place, "held", "claiming", "claimed")

    def place_with(self, quantity: int) -> str:
        for place in sorted(self.on_hand):
            if not self.suspended and self.on_hand[place] - self.promised(place) >= quantity:
                return place
        raise OutOfStock

    def hold(self, key: str, quantity: int, now: int) -> None:
        if key in self.holds:
            if self.holds[key].quantity != quantity:
                raise HoldDiffers
            return
        if not self.on_hand:
            raise UnknownSku
        if self.suspended:
            raise SkuSuspended
        place = self.place_with(quantity)
        self.holds[key] = Held(quantity, place, now + 600 * SECOND)

    def end(self, act: str, key: str) -> None:
        hold = self.holds[key]
        gone = hold.status in ("released", "expired")
        if act == "release":
            hold.status = "released" if hold.status in ("held", "claiming") else hold.status
        elif act == "give_back":
            if hold.status not in ("claimed", "returned"):
                raise IllegalMove
            hold.status = "returned"
        elif hold.status == "returned" or (gone and act in ("begin", "claim")):
            raise HoldGone
        elif gone:
            hold.place = self.place_with(hold.quantity)
            hold.status = "claiming" if act == "secure" else "claimed"
        elif hold.status != "claimed":
            hold.status = "claiming" if act in ("begin", "secure") else "claimed"

    def correct(self, place: str, on_hand: int, version: int) -> None:
        if place not in self.on_hand:
            raise UnknownSku
        if version != self.versions[place]:
            raise StockChanged
        if on_hand < self.promised(place):
            raise StockPromised
        self.versions[place] += on_hand != self.on_hand[place]
        self.on_hand[place] = on_hand


class Stocks(RuleBasedStateMachine):
    """Each run has a SKU of its own in one database, which costs less than a database each."""

    runner: asyncio.Runner
    database: Database
    clock: FakeClock

    @initialize()
    def begin(self) -> None:
        self.sku, self.model, self.keys = f"sku-{next(SKUS)}", Shelves(), count()
        self.known: dict[str, inventory.Hold] = {}

    def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self.runner.run(work)
        except Refusal as refusal:
            return type(refusal)

    def expected(self, act: Any, *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except Refusal as refusal:
            return type(refusal)

    def within(self, act: Any, *arguments: Any, **facts: Any) -> Any:
        return self.done(self.database.unit_of_work(lambda tx: act(tx, *arguments, **facts)))

    @rule(place=PLACES, quantity=SOME)
    def receive(self, place: str, quantity: int) -> None:
        self.within(inventory.receive, self.sku, quantity, reason="delivery", warehouse=place)
        self.model.on_hand[place] = self.model.on_hand.get(place, 0) + quantity
        self.model.versions[place] = self.model.versions.get(place, 0) + 1

    @rule(key=KEYS, quantity=SOME)
    def hold(self, key: str, quantity: int) -> None:
        refused = self.expected(self.model.hold, key, quantity, self.clock.at)
        answer = self.done(
            held(self.database, f"{self.sku}:{key}", sku=self.sku, quantity=quantity)
        )
        if refused is not None:
            assert answer is refused
            return
        self.known.setdefault(key, answer)
        assert answer.id == self.known[key].id

    @precondition(lambda self: self.known)
    @rule(act=st.sampled_from(sorted(ENDS)), data=st.data())
    def end(self, act: str, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.known)))
        refused = self.expected(self.model.end, act, key)
        answer = self.done(ENDS[act](self.database, self.known[key]))
        assert answer is refused or isinstance(answer, bool | None), (act, answer, refused)

    @rule(place=PLACES, change=st.integers(-3, 3).filter(bool), stale=st.integers(0, 5))
    def adjust(self, place: str, change: int, stale: int) -> None:
        version = self.model.versions.get(place, 1) - (stale == 0)
        on_hand = self.model.on_hand.get(place, 0) + change
        refused = self.expected(self.model.correct, place, on_hand, version)
        key = f"{self.sku}:{next(self.keys)}"
        answer = self.within(
            inventory.adjust, key, self.sku, place, change, "broken", "nell", version
        )
        assert answer is refused if refused else answer.on_hand == on_hand

    @rule(place=PLACES, counted=st.integers(0, 9), stale=st.integers(0, 5))
    def count(self, place: str, counted: int, stale: int) -> None:
        version = self.model.versions.get(place, 1) - (stale == 0)
        refused = self.expected(self.model.correct, place, counted, version)
        key = f"{self.sku}:{next(self.keys)}"
        answer = self.within(
            inventory.count, key, self.sku, place, counted, "monthly", "nell", version
        )
        assert answer is refused if refused else answer.on_hand == counted

    @rule(on=st.integers(0, 2))
    def suspend(self, on: int) -> None:
        if on == 0:
            self.within(inventory.suspend, self.sku, "doubt")
        else:
            self.within(inventory.resume, self.sku, by="ada", reason="counted")
        self.model.suspended = on == 0

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * SECOND)

    @rule()
    def expire(self) -> None:
        self.done(expire_holds(self.database))
        for one in self.model.holds.values():
            if one.status == "held" and one.expires_at <= self.clock.at:
                one.status = "expired"

    @invariant()
    def the_stock_is_the_models(self) -> None:
        found = self.done(self.database.read(lambda tx: inventory.stock_of(tx, [self.sku])))
        assert {
            one.warehouse: (one.on_hand, one.held, one.sold, one.version)
            for one in found.get(self.sku, ())
        } == {
            place: (
                pieces,
                self.model.pieces(place, "held", "claiming"),
                self.model.pieces(place, "claimed"),
                self.model.versions[place],
            )
            for place, pieces in self.model.on_hand.items()
        }

    def teardown(self) -> None:
        for key, hold in self.known.items():
            found = self.done(self.database.read(lambda tx, h=hold: inventory.hold_of(tx, h.id)))
            assert (found.status, found.warehouse) == (
                self.model.holds[key].status,
                self.model.holds[key].place,
            )
        if self.model.on_hand:
            self.done(shelf(self.database, self.sku))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_stock_follows_its_model(request, kind, clock):
    with asyncio.Runner() as runner:
        database = runner.run(connect(request.getfixturevalue(f"{kind}_url")))
        world = {"runner": runner, "database": database, "clock": clock}
        try:
            run_state_machine_as_test(
                type("Stocks", (Stocks,), world),
                settings=settings(
                    max_examples=20,
                    stateful_step_count=40,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(database.close())
