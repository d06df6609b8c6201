import pytest

from commerce.kernel.machine import IllegalMove
from commerce.orders import Action, Status, model
from tests.orders.factories import an_order

P, D, A, C, R = (
    Status.PENDING,
    Status.CONFIRMED,
    Status.PAID,
    Status.CANCELLED,
    Status.REFUNDED,
)
NO, SAME = "refused", "same"


@pytest.mark.parametrize(
    ("status", "confirm", "pay", "cancel", "refund"),
    [
        (P, D, A, C, NO),
        (D, SAME, A, C, NO),
        (A, NO, SAME, NO, R),
        (C, NO, A, SAME, NO),
        (R, NO, NO, NO, SAME),
    ],
)
def test_the_whole_square_of_statuses_and_actions(status, confirm, pay, cancel, refund):
    order = an_order(status=status, version=7)

    assert [outcome(order, action) for action in Action] == [confirm, pay, cancel, refund]


def outcome(order, action):
    try:
        moved = model.move(order, action, now=5)
    except IllegalMove:
        return NO
    if moved is order:
        return SAME
    assert moved.version == order.version + 1
    return moved.status


@pytest.mark.parametrize(
    ("status", "action", "stamp"),
    [
        (P, Action.CONFIRM, "confirmed_at"),
        (P, Action.PAY, "paid_at"),
        (P, Action.CANCEL, "cancelled_at"),
        (A, Action.REFUND, "refunded_at"),
    ],
)
def test_each_move_stamps_its_own_instant_and_nothing_else(status, action, stamp):
    moved = model.move(an_order(status=status), action, now=5)

    assert moved == an_order(status=moved.status, version=2, **{stamp: 5})


def test_an_order_that_came_back_to_life_remembers_that_it_was_cancelled():
    cancelled = model.move(an_order(), Action.CANCEL, now=5)

    paid = model.move(cancelled, Action.PAY, now=6)

    assert (paid.status, paid.version, paid.cancelled_at, paid.paid_at) == (A, 3, 5, 6)


def test_what_we_chose_is_no_difference_and_what_the_caller_gave_is():
    placed = an_order()

    assert model.difference(placed, an_order(id="x", code="HHHHHH", placed_at=9, version=3)) is None
    assert model.difference(placed, an_order(fan_id="fan-2")) == "fan_id"
    assert model.difference(placed, an_order(total_minor=1)) == "total_minor"
