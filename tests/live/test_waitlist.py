"""The waitlist: a place each, first come first served, and everybody hears how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

import live
from commerce import inventory
from commerce.kernel import outbox
from commerce.kernel.clock import SECOND
from commerce.kernel.events import Envelope
from commerce.kernel.outbox import Dispatcher
from commerce.kernel.tables import OUTBOX
from live import model, waitlist, waitlist_store
from live.handlers import HANDLERS, take_off_buyer
from live.jobs import serve_waitlists
from live.tables import WAITLIST_ENTRIES
from tests.live.factories import a_product, a_session, pin
from tests.live.waiting import HOLD_SECONDS, SKU, Line


@pytest.fixture
async def line(database, clock) -> Line:
    line = Line(database, clock)
    await line.opens()
    return line


async def test_fans_stand_in_the_order_they_joined(line):
    first = await line.joins_as("ana")
    second = await line.joins_as("ben", quantity=2)

    assert (first.position, second.position) == (1, 2)
    assert (second.entry.status, second.entry.quantity) == (live.WaitStatus.WAITING, 2)
    assert await line.standing("ana", "ben", "cleo") == [1, 2, None]
    waiting = await line.database.read(lambda tx: waitlist.waiting_in(tx, line.session.id))
    assert waiting == {SKU: 2}
    assert await line.held_for() == {"winner 0": 1}


async def test_a_fan_has_one_place_and_keeps_it(line):
    await line.all_join("ana", "ben")

    again = await line.joins_as("ana", quantity=3)

    assert (again.position, again.entry.quantity) == (1, 3)
    assert await line.standing("ana", "ben") == [1, 2]
    assert (await line.joins_as("ana", key="join 1")).entry == again.entry


async def test_the_database_itself_refuses_a_second_place(line):
    entry = (await line.joins_as("ana")).entry
    second = replace(entry, id="second", key="second", seq=9)

    with pytest.raises(Exception, match=r"waitlist_entries_one_place|waitlist_entries\.owner"):
        await line.database.unit_of_work(lambda tx: waitlist_store.add(tx, second))


async def test_the_same_wish_after_its_end_is_no_second_place(line):
    await line.joins_as("ana", key="press")
    await line.leaves("ana")

    again = await line.joins_as("ana", key="press")

    assert (again.entry.status, again.position) == (live.WaitStatus.LEFT, 0)
    assert await line.standing("ana") == [None]


@pytest.mark.parametrize("case", ["never shown", "unknown", "ended", "no such live"])
async def test_nobody_waits_for_what_is_not_sold_in_this_live(line, case):
    sku, session_id = SKU, line.session.id
    if case == "never shown":
        await a_product(line.database, "Straw hat")
        sku = "straw-hat-m"
    if case == "unknown":
        sku = "no-such"
    if case == "ended":
        await line.ends()
    if case == "no such live":
        session_id = "no-such"
    refusals = {"ended": live.SessionEnded, "no such live": live.UnknownSession}

    with pytest.raises(refusals.get(case, live.NothingPinned)):
        await line.database.unit_of_work(
            lambda tx: waitlist.join(
                tx, key="k", session_id=session_id, sku=sku, quantity=1, owner="ana",
                hold_seconds=HOLD_SECONDS,
            )
        )  # fmt: skip
    assert await line.standing("ana") == [None]


async def test_what_comes_free_is_held_for_who_waits_longest_and_they_hear_it(line):
    await line.all_join("ana", "ben")

    await line.lets_go(0)
    await line.settles()

    entry = await line.entry("ana")
    assert (entry.status, entry.held) == (live.WaitStatus.OFFERED, 1)
    assert entry.expires_at == line.clock.at + HOLD_SECONDS * SECOND
    hold = await line.database.read(lambda tx: inventory.hold_of(tx, entry.hold_id))
    assert (hold.owner, hold.reference, hold.expires_at) == (
        "ana", line.session.id, entry.expires_at,
    )  # fmt: skip
    assert await line.standing("ana", "ben") == [0, 1]
    assert await line.held_for() == {"ana": 1}
    assert await line.told("waitlist.offered") == ["ana"]


async def test_the_first_gets_what_there_is_and_nobody_waits_behind_a_bigger_wish(line):
    await line.joins_as("ana", quantity=3)
    await line.joins_as("ben")

    await line.receives(2)
    await line.settles()
    assert await line.held_for() == {"winner 0": 1, "ana": 2}

    await line.receives(1)
    await line.settles()
    assert await line.held_for() == {"winner 0": 1, "ana": 2, "ben": 1}


async def test_one_fan_gets_pieces_of_several_warehouses(line):
    await line.joins_as("ana", quantity=3)
    await line.all_join("ben", "cleo", "dan")

    await line.receives(2, "east")
    await line.receives(2, "west")
    await line.settles()

    assert await line.held_for() == {"winner 0": 1, "ana": 3, "ben": 1}
    assert [await line.standing(fan) for fan in ("cleo", "dan")] == [[1], [2]]


async def test_who_joins_while_pieces_are_free_is_served_at_once(line):
    await line.lets_go(0)

    place = await line.joins_as("ana")

    assert (place.position, place.entry.held) == (0, 1)
    await line.settles()
    assert await line.told("waitlist.offered") == ["ana"]


async def test_others_hear_sold_out_while_somebody_waits(line):
    await line.all_join("ana", "ben")

    for fan in ("ben", "somebody"):
        with pytest.raises(inventory.OutOfStock) as refused:
            await line.database.read(lambda tx, fan=fan: waitlist.check_turn(tx, SKU, fan, 2))
        assert refused.value.facts == {"sku": SKU, "asked": 2, "available": 0}
    await line.database.read(lambda tx: waitlist.check_turn(tx, SKU, "ana", 1))
    await line.leaves("ana")
    await line.leaves("ben")
    await line.database.read(lambda tx: waitlist.check_turn(tx, SKU, "somebody", 1))


async def test_a_turn_taken_up_is_an_ordinary_hold(line):
    await line.joins_as("ana")
    await line.lets_go(0)
    await line.settles()
    entry = await line.entry("ana")

    taken = await line.takes_up("ana")
    again = await line.database.unit_of_work(lambda tx: waitlist.take_up(tx, entry.id, "ana"))

    assert taken == again
    assert taken.status is live.WaitStatus.TAKEN
    await line.waits(HOLD_SECONDS)
    assert await line.told("waitlist.lapsed") == []
    assert await line.held_for() == {}


@pytest.mark.parametrize("case", ["of another", "run out", "unknown", "not yet"])
async def test_only_ones_own_turn_can_be_taken_up_and_only_in_time(line, case):
    entry = (await line.joins_as("ana")).entry
    if case != "not yet":
        await line.lets_go(0)
    await line.settles()
    if case == "run out":
        await line.waits(HOLD_SECONDS)
    fan = "ben" if case == "of another" else "ana"
    before = await line.status(entry)

    with pytest.raises(live.TurnLapsed):
        await line.database.unit_of_work(
            lambda tx: waitlist.take_up(tx, "no-such" if case == "unknown" else entry.id, fan)
        )
    assert await line.status(entry) == before


async def test_a_turn_let_go_by_lapses_and_the_next_one_has_it(line):
    await line.all_join("ana", "ben")
    await line.lets_go(0)
    await line.settles()
    ana = await line.entry("ana")

    await line.waits(HOLD_SECONDS)

    assert await line.status(ana) == "lapsed"
    assert await line.held_for() == {"ben": 1}
    assert await line.told("waitlist.lapsed") == ["ana"]
    assert await line.told("waitlist.offered") == ["ana", "ben"]
    assert (await line.joins_as("ana")).position == 1


async def test_who_leaves_is_passed_over(line):
    await line.all_join("ana", "ben")

    assert await line.leaves("ana") == 1
    assert await line.leaves("ana") == 0
    await line.lets_go(0)
    await line.settles()

    assert await line.held_for() == {"ben": 1}
    assert await line.told("waitlist.offered") == ["ben"]


async def test_who_leaves_when_it_is_their_turn_frees_it_for_the_next(line):
    await line.all_join("ana", "ben")
    await line.lets_go(0)
    await line.settles()

    assert await line.leaves("ana") == 1
    await line.settles()

    assert await line.held_for() == {"ben": 1}
    assert await line.told("waitlist.lapsed") == []


async def test_one_place_can_be_given_up_and_the_others_kept(line):
    mine = (await line.joins_as("ana")).entry
    other = await a_session(line.database, title="Elsewhere")
    pinned = await line.database.read(lambda tx: live.pinned(tx, line.session.id))
    await pin(line.database, other, pinned.product_id)
    await line.joins_as("ana", session=other)

    await line.database.unit_of_work(lambda tx: waitlist.leave(tx, "ana", mine.id))

    assert (await line.entry("ana")).session_id == other.id


async def test_one_line_for_all_sessions_that_sell_it(line):
    pinned = await line.database.read(lambda tx: live.pinned(tx, line.session.id))
    other = await a_session(line.database, title="Elsewhere")
    await pin(line.database, other, pinned.product_id)
    await line.joins_as("ana", session=other)
    await line.joins_as("ben")

    await line.lets_go(0)
    await line.settles()

    assert await line.standing("ana", "ben") == [0, 1]
    waiting = await line.database.read(lambda tx: waitlist.waiting_in(tx, other.id))
    assert waiting == {}


def an_order(fan: str, line: Line, at: int) -> Envelope:
    payload = {"conversation_id": fan, "session_id": line.session.id, "sku": SKU}
    return Envelope(
        id="o", name="order.placed", version=1, aggregate_id="o", payload=payload,
        correlation_id="", occurred_at=at,
    )  # fmt: skip


async def test_who_buys_otherwise_is_taken_off_but_not_who_joined_after(line):
    await line.all_join("ana", "ben")
    bought_at = line.clock.at
    line.clock.advance(SECOND)
    await line.leaves("ben")
    await line.joins_as("ben")

    for fan in ("ana", "ben", "nobody"):
        event = an_order(fan, line, bought_at)
        await line.database.unit_of_work(lambda tx, event=event: take_off_buyer(tx, event))

    assert await line.standing("ana", "ben") == [None, 1]


async def test_with_the_live_the_waiting_ends_and_what_is_held_can_still_be_bought(line):
    await line.all_join("ana", "ben", "cleo")
    await line.lets_go(0)
    await line.settles()

    await line.ends()

    assert sorted(await line.told("waitlist.closed")) == ["ben", "cleo"]
    assert await line.standing("ana", "ben", "cleo") == [0, None, None]
    assert (await line.takes_up("ana")).status is live.WaitStatus.TAKEN
    await line.waits(HOLD_SECONDS)
    assert await line.held_for() == {}


async def test_a_suspended_variant_is_offered_when_it_is_sold_again(line):
    await line.joins_as("ana")
    await line.database.unit_of_work(lambda tx: inventory.suspend(tx, SKU, "a count"))
    await line.lets_go(0)
    await line.settles()
    assert await line.standing("ana") == [1]

    await line.database.unit_of_work(
        lambda tx: inventory.resume(tx, SKU, by="ada", reason="counted")
    )
    await line.settles()

    assert await line.held_for() == {"ana": 1}


class Died(Exception):
    """The process, in the middle of its work."""


async def test_a_turn_is_held_and_told_together_or_not_at_all(line):
    await line.all_join("ana")
    await line.lets_go(0)

    async def serve_and_die(tx):
        assert len(await waitlist.serve(tx, SKU)) == 1
        raise Died

    with pytest.raises(Died):
        await line.database.unit_of_work(serve_and_die)
    assert await line.standing("ana") == [1]
    assert await line.held_for() == {}
    assert await line.told("waitlist.offered") == []

    await line.settles()
    assert await line.held_for() == {"ana": 1}
    assert await line.told("waitlist.offered") == ["ana"]


async def test_one_event_heard_twice_serves_once(line):
    await line.all_join("ana", "ben", "cleo")
    await line.lets_go(0)
    rows = await line.database.read(lambda tx: tx.all(select(OUTBOX).order_by(OUTBOX.c.seq)))
    [freed] = [outbox.envelope(row) for row in rows if row["name"] == "stock.freed"][-1:]
    dispatcher = Dispatcher(line.database, [HANDLERS])

    for _ in range(2):
        await dispatcher.deliver(freed)
    await line.database.unit_of_work(lambda tx: waitlist.serve(tx, SKU))

    assert await line.standing("ana", "ben", "cleo") == [0, 1, 2]
    assert await line.told("waitlist.offered") == ["ana"]


async def test_the_job_serves_what_no_event_told_of(line):
    await line.all_join("ana", "ben")
    assert await serve_waitlists(line.database) == 0

    await line.lets_go(0)
    await line.database.unit_of_work(lambda tx: tx.run(delete(OUTBOX)))

    assert await serve_waitlists(line.database) == 1
    assert await line.standing("ana", "ben") == [0, 1]
    assert await serve_waitlists(line.database) == 0


async def test_a_place_taken_while_the_live_ended_is_closed_by_the_job(line):
    entry = (await line.joins_as("ana")).entry
    await line.ends()
    late = {**entry_row(entry), "id": "late", "key": "late", "owner": "ben", "seq": 2}
    await line.database.unit_of_work(lambda tx: tx.run(insert(WAITLIST_ENTRIES), **late))

    await line.lets_go(0)
    await line.settles()
    assert await line.told("waitlist.offered") == []
    await serve_waitlists(line.database)

    assert sorted(await line.told("waitlist.closed")) == ["ana", "ben"]


def entry_row(entry: model.WaitlistEntry) -> dict:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def an_entry(n: int, quantity: int) -> model.WaitlistEntry:
    return model.WaitlistEntry(
        id=str(n), key=str(n), session_id="s", sku=SKU, owner=str(n), seq=n, quantity=quantity,
        hold_seconds=60, status=live.WaitStatus.WAITING, joined_at=0, changed_at=0,
    )  # fmt: skip


@given(st.lists(st.integers(1, 5), max_size=12), st.integers(0, 20))
def test_the_first_are_served_in_full_and_all_that_is_free_is_given(wishes, free):
    waiting = [an_entry(n, wish) for n, wish in enumerate(wishes)]

    given_out = model.shares(waiting, free)

    pieces = [n for _, n in given_out]
    assert [entry for entry, _ in given_out] == waiting[: len(given_out)]
    assert sum(pieces) == min(free, sum(wishes))
    assert pieces[:-1] == wishes[: len(pieces)][:-1]
    assert all(1 <= n <= wish for n, wish in zip(pieces, wishes, strict=False))
