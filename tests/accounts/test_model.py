import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.accounts import (
    Action,
    BadEmail,
    BadPassword,
    NotAllowed,
    Role,
    Staff,
    TooManyTries,
    may,
    model,
    require,
)
from commerce.kernel.clock import MINUTE, SECOND
from tests.accounts.factories import an_address


def somebody(*roles):
    return Staff(id="1", email="a@b.com", name="A", roles=frozenset(roles))


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (
            Role.LEADER,
            {Action.RUN_SESSION, Action.SEE_ORDERS, Action.EDIT_LISTINGS, Action.PROMOTE},
        ),
        (
            Role.SUPPLIER,
            {
                Action.EDIT_PRODUCTS,
                Action.MOVE_STOCK,
                Action.MANAGE_DELIVERY,
                Action.PROMOTE,
                Action.SEE_ORDERS,
            },
        ),
        (Role.ADMIN, set(Action)),
    ],
)
def test_the_whole_square_of_roles_and_actions(role, allowed):
    assert {action for action in Action if may(somebody(role), action)} == allowed


def test_roles_add_up_and_nobody_may_nothing():
    both = somebody(Role.LEADER, Role.SUPPLIER)

    assert may(both, Action.RUN_SESSION)
    assert may(both, Action.MOVE_STOCK)
    assert not any(may(somebody(), action) for action in Action)


def test_what_a_role_may_not_is_refused_by_name():
    with pytest.raises(NotAllowed) as refused:
        require(somebody(Role.LEADER), Action.MANAGE_STAFF)

    assert refused.value.facts == {"action": "manage_staff"}


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Lea@Example.COM ", "lea@example.com"),
        ("\uff4c\uff45\uff41@example.com", "lea@example.com"),
        ("lea+shop@mail.example.com", "lea+shop@mail.example.com"),
    ],
)
def test_an_email_has_one_normal_form(written, normal):
    assert model.normal_email(written) == normal


@pytest.mark.parametrize("written", ["", "lea", "@example.com", "lea@", "lea@example", "a b@c.de"])
def test_what_is_no_email_is_refused(written):
    with pytest.raises(BadEmail):
        model.normal_email(written)


@pytest.mark.parametrize("password", ["", "short", "nine char", "x" * 257, "LEA@example.com"])
def test_a_password_too_short_too_long_or_equal_to_the_email_is_refused(password):
    with pytest.raises(BadPassword):
        model.checked_password(password, "lea@example.com")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_tries_are_counted_by_what_one_household_holds(address, network):
    assert model.network_of(address) == network


def test_a_bucket_gives_its_tries_then_one_an_interval():
    limit = model.Limit(tries=3, interval=MINUTE)
    full_at = 0
    for _ in range(3):
        full_at = limit.charge(full_at, now=1_000 * MINUTE)

    with pytest.raises(TooManyTries) as refused:
        limit.charge(full_at, now=1_000 * MINUTE + 15 * SECOND)

    assert refused.value.facts == {"retry_after_seconds": 45}
    assert limit.charge(full_at, now=1_001 * MINUTE) == 1_004 * MINUTE


@given(st.lists(st.integers(0, 10 * MINUTE), max_size=60))
def test_no_bucket_ever_lets_more_through_than_its_tries_and_its_refill(pauses):
    limit = model.Limit(tries=5, interval=MINUTE)
    start = now = full_at = 10_000 * MINUTE
    admitted = 0
    for pause in pauses:
        now += pause
        try:
            full_at = limit.charge(full_at, now)
        except TooManyTries:
            continue
        admitted += 1
        assert admitted <= 5 + (now - start) // MINUTE


def test_an_address_survives_json():
    address = an_address(line2="3º B")

    assert type(address).from_json(address.to_json()) == address
