from __future__ import annotations

import pytest

from commerce.kernel.events import Envelope
from commerce.kernel.fanout import LocalFanout
from live.handlers import HEARD, handlers


def an_event(name: str, payload: dict) -> Envelope:
    return Envelope(
        id="e1",
        name=name,
        version=1,
        aggregate_id="x",
        payload=payload,
        correlation_id="",
        occurred_at=0,
    )


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize("key", ["session_id", "reference"])
async def test_what_changes_a_room_makes_it_look_again(name, key):
    fanout = LocalFanout()
    (handler,) = handlers(fanout)[name]

    with fanout.subscribe("session:s1") as nudges, fanout.subscribe("session:s2") as others:
        await handler(None, an_event(name, {key: "s1"}))

    assert nudges.get_nowait() == {}
    assert others.empty()


async def test_an_event_of_no_session_moves_nobody():
    fanout = LocalFanout()
    (handler,) = handlers(fanout)["order.paid"]

    with fanout.subscribe("session:") as nudges:
        await handler(None, an_event("order.paid", {"session_id": ""}))

    assert nudges.empty()
