"""The last piece and three fans: whole conversations over both databases, and time that passes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

import bot.handlers
import live
import live.handlers
from bot.messages import Incoming, Kind
from bot.reception import Reception
from bot.runtime import Runtime
from bot.step import step
from commerce import inventory
from commerce.inventory.jobs import expire_holds
from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.fanout import LocalFanout
from commerce.kernel.inbox import Inbox
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.tables import OUTGOING
from deploy import invariants
from tests.bot.fans import TEXTS
from tests.bot.test_doors import ACCOUNT, SKU, Desk

SAID = select(OUTGOING).order_by(OUTGOING.c.conversation_id, OUTGOING.c.number)


class Evening(Desk):
    """The till around the desk: an inbox, turns, and events that are heard."""

    async def opens(self, pieces: int, **variant: int) -> None:
        await super().opens(pieces, **variant)
        self.runtime = Runtime(
            database=self.database,
            step=lambda state, given: step(state, given, texts=TEXTS, now=self.clock.at),
            run_intent=self.doors.run,
            fanout=LocalFanout(),
            pull_accounts=[],
        )
        await self.settles()

    async def settles(self) -> None:
        hearers = [live.handlers.HANDLERS, bot.handlers.HANDLERS]
        relay = Relay(self.database, Dispatcher(self.database, hearers).deliver)
        await self.runtime.settle()
        while await relay.relay_due():
            await self.runtime.settle()

    async def passes(self, minutes: int) -> None:
        self.clock.advance(minutes * MINUTE)
        await expire_holds(self.database)
        await self.settles()

    async def pieces(self) -> tuple[int, int]:
        """Held and available, after a look that all books agree."""
        assert await self.reads(invariants.violations) == []
        [shelf] = (await self.reads(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
        return shelf.held, shelf.available


@dataclass
class Guest:
    """A fan who only sees what the channel shows."""

    evening: Evening
    name: str
    language: str = "en"
    heard: int = 0
    sent: int = 0
    labels: list[str] = field(default_factory=list)

    async def says(self, text: str, kind: Kind = Kind.TEXT) -> str:
        self.sent += 1
        message = Incoming(
            account=ACCOUNT, message_id=f"{self.name}-{self.sent}", address=self.name,
            kind=kind, text=text, language=self.language,
        )  # fmt: skip
        await Reception(Inbox(self.evening.database))([message])
        await self.evening.settles()
        return await self.hears()

    async def hears(self) -> str:
        """What came since the last time."""
        rows = await self.evening.reads(lambda tx: tx.all(SAID))
        mine = [r for r in rows if r["conversation_id"] == f"{ACCOUNT}:{self.name}"]
        new, self.heard = mine[self.heard :], len(mine)
        bodies = [jsons.loads(row["body"]) for row in new]
        self.labels = [label for body in bodies for _, label, _ in body.get("choices", ())]
        return "\n---\n".join(body["text"] for body in bodies)

    async def comes(self) -> str:
        return await self.says(self.evening.session.slug, Kind.START)


@pytest.fixture
async def evening(database, clock):
    evening = Evening(database, clock)
    yield evening
    await evening.runtime.close()


async def test_the_loser_gets_the_last_piece_when_the_winner_lets_it_go(evening):
    await evening.opens(pieces=1)
    ana, ben, cleo = (Guest(evening, name) for name in ("ana", "ben", "cleo"))
    for guest in (ana, ben, cleo):
        await guest.comes()

    assert "is held for you for 10 minutes, until 12:10 UTC" in await ana.says("M")
    assert "was sold out a moment ago." in await ben.says("M")
    assert ben.labels == ["Tell me when free"]
    assert "You are number 1 on the waitlist for Linen shirt (M)" in await ben.says("1")
    await cleo.says("M")
    assert "You are number 2 on the waitlist" in await cleo.says("waitlist")
    assert await evening.pieces() == (1, 0)

    await evening.passes(minutes=10)
    assert "The time for 1 x Linen shirt (M) is over" in await ana.hears()
    assert "One is free and held for you until 12:20 UTC: 1 x Linen shirt (M)." in await ben.hears()
    assert await cleo.hears() == ""
    assert await evening.pieces() == (1, 0)

    for text in ("Spain", "Ana", "Gran Vía 1", "Madrid"):
        await ana.says(text)
    assert "Linen shirt (M) was sold out a moment ago." in await ana.says("28013")

    assert "is held for you for 10 minutes" in await ben.says("1")
    for text in ("Spain", "Ben", "Gran Vía 2", "Madrid"):
        await ben.says(text)
    assert "Total: " in await ben.says("28013")
    assert "Thank you. Your order is" in await ben.says("I agree")
    assert "number 1" in await cleo.says("waitlist")
    assert await evening.pieces() == (1, 0)


async def test_a_turn_nobody_takes_goes_down_the_line_to_its_end(evening):
    await evening.opens(pieces=1)
    guests = [Guest(evening, name) for name in ("ana", "ben", "cleo")]
    for guest in guests:
        await guest.comes()
        await guest.says("M")
    for guest in guests[1:]:
        await guest.says("waitlist")

    await evening.passes(minutes=10)
    assert "held for you until 12:20 UTC" in await guests[1].hears()
    await evening.passes(minutes=10)
    assert "so it goes to the next in line" in await guests[1].hears()
    assert "held for you until 12:30 UTC" in await guests[2].hears()
    await evening.passes(minutes=10)
    assert "so it goes to the next in line" in await guests[2].hears()

    assert await evening.pieces() == (0, 1)
    await guests[1].says("menu")
    assert "is held for you" in await guests[1].says("M")


async def test_what_is_left_is_told_exactly_and_held_when_the_fan_says_how_many(evening):
    await evening.opens(pieces=3)
    ana = Guest(evening, "ana")
    await ana.comes()

    said = await ana.says("5 x M")
    assert said.startswith("3 of 5 left: Linen shirt (M). Nothing is held yet.")
    assert ana.labels == ["Take 1", "Take 2", "Take 3"]
    assert await evening.pieces() == (0, 3)

    assert (await ana.says("3")).startswith("3 x Linen shirt (M) is held for you")
    assert await evening.pieces() == (3, 0)


async def test_who_waits_hears_that_the_live_is_over(evening):
    await evening.opens(pieces=1)
    ana, ben = Guest(evening, "ana"), Guest(evening, "ben")
    for guest in (ana, ben):
        await guest.comes()
        await guest.says("M")
    await ben.says("waitlist")

    await evening.database.unit_of_work(
        lambda tx: live.end_session(tx, evening.session.id, leader_id="leader-1")
    )
    await evening.settles()

    assert "The live is over, and Linen shirt (M) did not come free" in await ben.hears()
    await evening.passes(minutes=10)
    assert await ben.hears() == ""
    assert await evening.pieces() == (0, 1)
