"""The life of a hold, and who gets what when several ask at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.inventory import (
    BadQuantity,
    Hold,
    HoldStatus,
    OutOfStock,
    SkuSuspended,
    Stock,
    UnknownSku,
)
from commerce.inventory.allotting import allot
from commerce.inventory.model import HOLD_LIFE, HoldAction, HoldDiffers, HoldRequest
from commerce.kernel.machine import IllegalMove

ALLOWED = {
    (HoldStatus.HELD, HoldAction.BEGIN_CLAIM): HoldStatus.CLAIMING,
    (HoldStatus.HELD, HoldAction.CLAIM): HoldStatus.CLAIMED,
    (HoldStatus.HELD, HoldAction.RELEASE): HoldStatus.RELEASED,
    (HoldStatus.HELD, HoldAction.EXPIRE): HoldStatus.EXPIRED,
    (HoldStatus.CLAIMING, HoldAction.CLAIM): HoldStatus.CLAIMED,
    (HoldStatus.CLAIMING, HoldAction.RELEASE): HoldStatus.RELEASED,
    (HoldStatus.HELD, HoldAction.RELOCATE): HoldStatus.HELD,
    (HoldStatus.CLAIMING, HoldAction.RELOCATE): HoldStatus.CLAIMING,
    (HoldStatus.RELEASED, HoldAction.SECURE): HoldStatus.CLAIMING,
    (HoldStatus.RELEASED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
    (HoldStatus.EXPIRED, HoldAction.SECURE): HoldStatus.CLAIMING,
    (HoldStatus.EXPIRED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
    (HoldStatus.CLAIMED, HoldAction.GIVE_BACK): HoldStatus.RETURNED,
}
NOW = 1_000


@pytest.mark.parametrize("status", HoldStatus)
@pytest.mark.parametrize("action", HoldAction)
def test_the_whole_square_of_a_hold(status, action):
    if (status, action) in ALLOWED:
        assert HOLD_LIFE.after(status, action) is ALLOWED[status, action]
        return
    with pytest.raises(IllegalMove):
        HOLD_LIFE.after(status, action)


def test_what_is_paid_for_is_free_for_another_only_when_it_came_back():
    assert HOLD_LIFE.final == {HoldStatus.RETURNED}


def test_a_hold_whose_money_is_being_taken_cannot_run_out():
    assert not HOLD_LIFE.allows(HoldStatus.CLAIMING, HoldAction.EXPIRE)


def test_what_is_free_is_what_came_in_less_what_is_promised_or_gone():
    assert Stock(sku="shirt", on_hand=40, held=3, sold=5).available == 32


def a_request(key="k", **changes) -> HoldRequest:
    asked = {"sku": "shirt", "quantity": 1, "owner": "fan", "reference": "session", "seconds": 600}
    return HoldRequest(key=key, **asked | changes)


def shelves(**pieces) -> dict[str, list[Stock]]:
    """Of each SKU so many pieces, or so many in each of several warehouses."""
    return {
        sku: [
            Stock(sku=sku, warehouse=warehouse, on_hand=on_hand)
            for warehouse, on_hand in ({"main": n} if isinstance(n, int) else n).items()
        ]
        for sku, n in pieces.items()
    }


def allotted(requests, stock=None, known=None):
    return allot(
        requests,
        stock=shelves(shirt=5) if stock is None else stock,
        known=known or {},
        new_ids=[f"h{number}" for number in range(len(requests))],
        now=NOW,
    )


def test_a_request_becomes_a_hold_until_its_time():
    [answer], fresh = allotted([a_request(quantity=2)])

    assert fresh == [answer]
    assert answer == Hold(
        id="h0", key="k", sku="shirt", quantity=2, parts=(("main", 2),), owner="fan",
        reference="session", status=HoldStatus.HELD, expires_at=NOW + 600_000_000,
    )  # fmt: skip


def test_who_comes_first_is_served_first_and_the_next_hears_what_is_left():
    answers, fresh = allotted([a_request("a", quantity=3), a_request("b", quantity=3)])

    assert [hold.key for hold in fresh] == ["a"]
    assert isinstance(answers[1], OutOfStock)
    assert answers[1].facts == {"sku": "shirt", "asked": 3, "available": 2}


def test_a_smaller_wish_after_a_refused_one_is_still_served():
    quantities = [3, 3, 2]
    answers, fresh = allotted([a_request(str(n), quantity=q) for n, q in enumerate(quantities)])

    assert [hold.key for hold in fresh] == ["0", "2"]
    assert isinstance(answers[1], OutOfStock)


def test_the_same_key_twice_in_a_group_is_one_hold():
    answers, fresh = allotted([a_request(), a_request()])

    assert answers[0] is answers[1]
    assert len(fresh) == 1


def test_a_key_known_from_before_answers_with_its_hold():
    _, [before] = allotted([a_request()])

    answers, fresh = allotted([a_request()], shelves(shirt=0), known={"k": before})
    assert (answers, fresh) == ([before], [])


@pytest.mark.parametrize("change", [{"quantity": 2}, {"sku": "mug"}, {"owner": "other"}])
def test_a_key_used_for_something_else_is_refused(change):
    _, [before] = allotted([a_request()])

    [answer], fresh = allotted([a_request(**change)], known={"k": before})
    assert isinstance(answer, HoldDiffers)
    assert fresh == []


@pytest.mark.parametrize("quantity", [0, -1, -(10**9)])
def test_less_than_one_piece_cannot_be_held(quantity):
    [answer], fresh = allotted([a_request(quantity=quantity)])

    assert isinstance(answer, BadQuantity)
    assert answer.facts == {"sku": "shirt", "quantity": quantity}
    assert fresh == []


def test_what_was_never_sold_here_is_unknown():
    [answer], fresh = allotted([a_request(sku="moon")])

    assert isinstance(answer, UnknownSku)
    assert fresh == []


def test_a_hold_comes_whole_from_the_first_warehouse_that_has_enough():
    stock = shelves(shirt={"east": 2, "north": 4, "west": 9})
    asked = [a_request(str(n), quantity=q) for n, q in enumerate([3, 2, 2, 7])]

    _, fresh = allotted(asked, stock)

    assert [hold.parts for hold in fresh] == [
        (("north", 3),), (("east", 2),), (("west", 2),), (("west", 7),),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stock", "asked", "parts"),
    [
        ({"east": 2, "north": 4, "west": 4}, 5, (("north", 4), ("west", 1))),
        ({"east": 2, "north": 4, "west": 4}, 9, (("east", 1), ("north", 4), ("west", 4))),
        ({"east": 2, "north": 0, "west": 3}, 5, (("east", 2), ("west", 3))),
        ({"east": 1, "north": 1, "west": 1}, 2, (("east", 1), ("north", 1))),
    ],
)
def test_what_no_warehouse_has_comes_from_as_few_as_can_be(stock, asked, parts):
    [answer], fresh = allotted([a_request(quantity=asked)], shelves(shirt=stock))

    assert fresh == [answer]
    assert (answer.parts, answer.quantity) == (parts, asked)


def test_who_asks_for_more_than_all_warehouses_have_hears_what_they_have_together():
    [answer], fresh = allotted([a_request(quantity=9)], shelves(shirt={"east": 3, "west": 5}))

    assert answer.facts == {"sku": "shirt", "asked": 9, "available": 8}
    assert fresh == []


def test_what_is_suspended_is_refused_and_what_it_held_before_is_still_known():
    _, [before] = allotted([a_request()])
    stock = {"shirt": [Stock(sku="shirt", on_hand=5, held=1, suspended=True)]}

    answers, fresh = allotted([a_request(), a_request("other")], stock, known={"k": before})

    assert answers[0] == before
    assert isinstance(answers[1], SkuSuspended)
    assert fresh == []


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["shirt", "mug", "moon"]), st.integers(-1, 6)),
        max_size=30,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_no_group_is_ever_given_more_than_there_is(wishes, shirts, mugs):
    requests = [a_request(str(key), sku=sku, quantity=n) for key, sku, n in wishes]
    left = {"shirt": shirts, "mug": mugs}

    answers, fresh = allotted(requests, shelves(**left))

    assert len(answers) == len(requests)
    for sku, pieces in left.items():
        given_away = sum(hold.quantity for hold in fresh if hold.sku == sku)
        assert given_away <= pieces
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, OutOfStock) and request.sku == sku and request.quantity > 0:
                assert request.quantity > answer.facts["available"] >= pieces - given_away
    assert len({hold.key for hold in fresh}) == len(fresh)
