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
    BadQuantity,
    HoldGone,
    OutOfStock,
    Part,
    SameWarehouse,
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
    SUPPLIER,
    a_warehouse,
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
WAREHOUSES = ["east", "main", "west"]
PLACES = st.sampled_from(WAREHOUSES)
SOME = st.integers(1, 4)
SKUS = count()
ENDS = {
    "begin": begun, "claim": claimed, "secure": secured, "reclaim": reclaimed,
    "release": released, "give_back": given_back,
}  # fmt: skip


@dataclass
class Held:
    parts: dict[str, int]
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
        of_them = [hold for hold in self.holds.values() if hold.status in statuses]
        return sum(hold.parts.get(place, 0) for hold in of_them)

    def promised(self, place: str) -> int:
        return self.pieces(place, "held", "claiming", "claimed")

    def left(self) -> dict[str, int]:
        return {
            place: 0 if self.suspended else self.on_hand[place] - self.promised(place)
            for place in sorted(self.on_hand)
        }

    def parts_for(self, quantity: int) -> dict[str, int]:
        left = self.left()
        if sum(left.values()) < quantity:
            raise OutOfStock
        for place, pieces in left.items():
            if pieces >= quantity:
                return {place: quantity}
        parts = {}
        for place in sorted(left, key=left.__getitem__, reverse=True):
            if quantity:
                parts[place] = min(left[place], quantity)
                quantity -= parts[place]
        return parts

    def hold(self, key: str, quantity: int, now: int) -> None:
        if key in self.holds:
            if sum(self.holds[key].parts.values()) != quantity:
                raise HoldDiffers
            return
        if not self.on_hand:
            raise UnknownSku
        if self.suspended:
            raise SkuSuspended
        self.holds[key] = Held(self.parts_for(quantity), now + 600 * SECOND)

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
            if not self.has(hold.parts):
                hold.parts = self.parts_for(sum(hold.parts.values()))
            hold.status = "claiming" if act == "secure" else "claimed"
        elif hold.status != "claimed":
            hold.status = "claiming" if act in ("begin", "secure") else "claimed"

    def has(self, parts: dict[str, int]) -> bool:
        left = self.left()
        return all(left.get(place, 0) >= pieces for place, pieces in parts.items())

    def relocate(self, key: str, parts: dict[str, int]) -> None:
        hold = self.holds[key]
        if hold.status == "returned":
            raise HoldGone
        if sum(parts.values()) != sum(hold.parts.values()):
            raise BadQuantity
        if hold.status in ("released", "expired"):
            raise HoldGone
        if hold.parts == parts:
            return
        if hold.status == "claimed":
            raise IllegalMove
        before, hold.parts = hold.parts, {}
        left = self.left()
        if self.suspended:
            left = left | before
        if any(left.get(place, 0) < pieces for place, pieces in parts.items()):
            hold.parts = before
            raise OutOfStock
        hold.parts = parts

    def transfer(self, origin: str, to: str, pieces: int) -> None:
        if origin == to:
            raise SameWarehouse
        if origin not in self.on_hand:
            raise UnknownSku
        if self.on_hand[origin] - self.promised(origin) < pieces:
            raise StockPromised
        for place, more in ((origin, -pieces), (to, pieces)):
            self.on_hand[place] = self.on_hand.get(place, 0) + more
            self.versions[place] = self.versions.get(place, 1) + 1

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
        self.within(
            inventory.receive, self.sku, quantity,
            reason="delivery", warehouse=place, supplier_id=SUPPLIER,
        )  # fmt: skip
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

    @precondition(lambda self: self.known)
    @rule(data=st.data(), split=st.lists(PLACES, min_size=1, max_size=4), twice=st.booleans())
    def relocate(self, data: st.DataObject, split: list[str], twice: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.known)))
        parts = {place: split.count(place) for place in split}
        refused = self.expected(self.model.relocate, key, parts)
        wanted = [Part(*part) for part in parts.items()]
        for _ in range(1 + twice):
            answer = self.within(inventory.relocate, self.known[key].id, wanted)
            assert answer is refused if refused else dict(answer.parts) == parts

    @rule(origin=PLACES, to=PLACES, pieces=SOME, twice=st.booleans())
    def transfer(self, origin: str, to: str, pieces: int, twice: bool) -> None:
        refused = self.expected(self.model.transfer, origin, to, pieces)
        key = f"{self.sku}:{next(self.keys)}"
        for _ in range(1 + (twice and refused is None)):
            answer = self.within(
                inventory.transfer, key, self.sku, pieces, origin=origin, to=to,
                supplier_id=SUPPLIER, reason="nearer", by="nell",
            )  # fmt: skip
            assert answer is refused

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
            known = self.model.holds[key]
            assert (found.status, dict(found.parts)) == (known.status, known.parts)
        if self.model.on_hand:
            self.done(shelf(self.database, self.sku))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_stock_follows_its_model(request, kind, clock):
    with asyncio.Runner() as runner:
        database = runner.run(connect(request.getfixturevalue(f"{kind}_url")))
        for place in WAREHOUSES:
            opened = a_warehouse(place)
            runner.run(database.unit_of_work(lambda tx, w=opened: inventory.open_warehouse(tx, w)))
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
