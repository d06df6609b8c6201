"""A lifecycle is a table: what is not in it is refused, and the rest is derived from it."""

from __future__ import annotations

from enum import StrEnum

import pytest

from commerce.kernel.machine import IllegalMove, Machine


class Status(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    ENDED = "ended"


class Act(StrEnum):
    START = "start"
    PAUSE = "pause"
    END = "end"


MOVES = {
    (Status.DRAFT, Act.START): Status.LIVE,
    (Status.LIVE, Act.PAUSE): Status.DRAFT,
    (Status.LIVE, Act.END): Status.ENDED,
}
LIFE = Machine(start=Status.DRAFT, moves=MOVES)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", Act)
def test_the_whole_square(status, act):
    if (status, act) in MOVES:
        assert LIFE.allows(status, act)
        assert LIFE.after(status, act) is MOVES[status, act]
        return
    assert not LIFE.allows(status, act)
    with pytest.raises(IllegalMove) as refused:
        LIFE.after(status, act)
    assert refused.value.facts == {"status": str(status), "action": str(act)}


def test_it_knows_where_life_ends_and_what_can_be_done():
    assert LIFE.final == {Status.ENDED}
    assert LIFE.statuses == (Status.DRAFT, Status.LIVE, Status.ENDED)
    assert LIFE.actions == (Act.START, Act.PAUSE, Act.END)


def test_a_status_that_nobody_reaches_is_a_mistake():
    with pytest.raises(ValueError, match="ended"):
        Machine(start=Status.DRAFT, moves={(Status.DRAFT, Act.START): Status.LIVE})


def test_the_diagram_shows_every_move():
    assert LIFE.diagram().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> draft",
        "    draft --> live: start",
        "    live --> draft: pause",
        "    live --> ended: end",
        "    ended --> [*]",
    ]
