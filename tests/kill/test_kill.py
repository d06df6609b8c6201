"""A till that is killed anywhere in a purchase, and started again, ends like one that never was."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest

from tests.kill.conftest import Stage
from tests.kill.stories import Run

# How many tests share the places of a story, so that the workers of a run can share the tests.
PARTS = {"bought": 8, "cancelled": 4, "expired": 4}
PLACES_MIN = {"bought": 76, "cancelled": 36, "expired": 36}
# What is not bought dies on PostgreSQL with its sagas alone, in test_sagas.
KINDS = {"bought": ("sqlite", "postgresql"), "cancelled": ("sqlite",), "expired": ("sqlite",)}
SHARES = [
    (kind, name, part)
    for name, parts in PARTS.items()
    for kind in KINDS[name]
    for part in range(parts)
]

HOODIE, DELIVERY, TAX = 4900, 490, 860  # the tax is in the prices
WHEN = ("before", "after")
CONVERSATION = [  # the beginning of every reply
    "Harbour Hoodie, shown live by Mara Quill",
    "1 x Harbour Hoodie (M) is held for you",
    "What is the full name",
    "What is the street",
    "Which town",
    "What is the postcode",
    "Your order:",
    "Thank you. Your order is",
    "Here is the pay link",
]


def says(run: Run, replies: list[str]) -> bool:
    said = run.ending.transcript
    return len(said) == len(replies) and all(
        text.startswith(start) for text, start in zip(said, replies, strict=True)
    )


def only(run: Run, *tables: str) -> dict[str, Any]:
    return {table: run.ending.rows[table] for table in tables}


async def test_undisturbed_a_purchase_is_whole(stage: Stage) -> None:
    run = await stage.undisturbed("bought")

    assert run.ending.broken == []
    assert says(run, [*CONVERSATION, "Paid, thank you. This is your receipt."])
    assert only(run, "orders", "holds", "payments", "sandbox_sessions", "sagas", "inbox") == {
        "orders": {"paid": 1},
        "holds": {"claimed": 1},
        "payments": {"paid": 1},
        "sandbox_sessions": {"paid": 1},
        "sagas": {"completed": 1},
        "inbox": {"done": 10},  # the entrance, seven answers, two events
    }
    assert run.ending.stock == {"on_hand": 18, "held": 0, "sold": 1}
    assert run.ending.balances == {
        "clearing:sandbox": HOODIE + DELIVERY,
        "customer_payable": 0,
        "sales": TAX - HOODIE,
        "delivery_income": -DELIVERY,
        "tax_payable:DE": -TAX,
    }


@pytest.mark.parametrize(
    ("name", "last_words", "page"),
    [
        ("cancelled", "Order CODE is cancelled", "expired"),
        ("expired", "The time to pay", "open"),  # and past its end
    ],
)
async def test_undisturbed_what_is_not_paid_is_released(
    stage: Stage, name: str, last_words: str, page: str
) -> None:
    run = await stage.undisturbed(name)

    assert run.ending.broken == []
    assert says(run, [last_words])
    assert only(run, "orders", "holds", "payments", "sandbox_sessions", "sagas", "transfers") == {
        "orders": {"cancelled": 1},
        "holds": {"released": 1},
        "payments": {"expired": 1},
        "sandbox_sessions": {page: 1},
        "sagas": {"reverted": 1},
        "transfers": {},
    }
    assert run.ending.stock == {"on_hand": 18, "held": 0, "sold": 0}


@pytest.mark.parametrize(
    ("name", "outside"),
    [
        ("bought", {"sandbox.open", "sandbox.webhook"}),
        ("cancelled", {"sandbox.close", "sandbox.webhook"}),
        ("expired", {"sandbox.close"}),
    ],
)
async def test_the_places_are_all_commits_and_outside_calls(
    stage: Stage, name: str, outside: set[str]
) -> None:
    run = await stage.undisturbed(name)
    numbers, places = zip(*(place.split(" ", 1) for place in run.places), strict=True)
    passed = Counter(places)

    assert list(numbers) == [str(number) for number in range(1, len(places) + 1)]
    assert len(places) >= PLACES_MIN[name]
    assert passed["before commit"] == passed["after commit"]
    assert set(passed) == {f"{when} {what}" for what in outside | {"commit"} for when in WHEN}


def _as_the_one_before(places: list[str], number: int) -> bool:
    """Nothing was written since the commit before: these books have been died over already."""
    before, here = places[number - 2 : number] if 1 < number <= len(places) else ("", "")
    return before.endswith("after commit") and here.endswith("before commit")


def _sampled(stage: Stage, name: str) -> int:
    """A whole purchase dies everywhere on SQLite; the rest at places spread over the story."""
    if stage.is_costly:
        return 4
    return 1 if name == "bought" else 2


@pytest.mark.parametrize(("stage", "name", "part"), SHARES, indirect=["stage"])
async def test_killed_anywhere_it_ends_the_same(stage: Stage, name: str, part: int) -> None:
    """Up to the first place that is not reached any more: then all were tried."""
    whole = await stage.undisturbed(name)
    wrong = []
    for number in count(part + 1, PARTS[name]):
        if number // PARTS[name] % _sampled(stage, name):
            continue
        if stage.is_costly and _as_the_one_before(whole.places, number):
            continue
        run = await stage.killed(name, number)
        found = run.ending.differences(whole.ending)
        if run.deaths != (len(run.places) == number):
            found.append(f"died {run.deaths} times")
        if found:
            wrong.append("\n".join([run.places[-1], *found, run.log]))
        if len(run.places) < number:
            break

    assert not wrong, "\n".join(wrong)
    assert number > PLACES_MIN[name]
