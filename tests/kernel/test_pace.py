"""When the next message may go: a pure question of limits and the time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.outgoing import Limits
from commerce.kernel.sender import Pace


def waits(pace, addresses, now=100.0):
    return [round(pace.wait_seconds(address, now), 6) for address in addresses]


def test_an_account_sends_evenly():
    pace = Pace(Limits(per_second=10, per_address_per_second=1, burst=5))

    assert waits(pace, "abcd") == [0, 0.1, 0.2, 0.3]


def test_an_address_may_have_its_burst_and_then_waits_its_turn():
    pace = Pace(Limits(per_second=1_000_000, per_address_per_second=0.5, burst=3))

    assert [round(wait, 1) for wait in waits(pace, "aaaaaa")] == [0, 0, 0, 2, 4, 6]


def test_a_burst_of_one_is_one():
    pace = Pace(Limits(per_second=1_000_000, per_address_per_second=1, burst=1))

    assert [round(wait, 1) for wait in waits(pace, "aaa")] == [0, 1, 2]


def test_one_busy_address_does_not_hold_up_another():
    pace = Pace(Limits(per_second=10, per_address_per_second=0.1, burst=1))

    assert waits(pace, "aab") == [0, 10, 0.2]


def test_a_burst_comes_back_with_time():
    pace = Pace(Limits(per_second=1_000_000, per_address_per_second=1, burst=2))
    waits(pace, "aaaa")

    assert [round(w, 1) for w in waits(pace, "aaa", now=200.0)] == [0, 0, 1]


@given(
    times=st.lists(st.floats(0, 50), min_size=2, max_size=60).map(sorted),
    per_second=st.floats(0.5, 50),
    per_address=st.floats(0.1, 5),
    burst=st.integers(1, 8),
)
def test_no_window_ever_holds_more_than_the_limits(times, per_second, per_address, burst):
    pace = Pace(Limits(per_second=per_second, per_address_per_second=per_address, burst=burst))
    gone = sorted(1_000 + t + pace.wait_seconds("a", 1_000 + t) for t in times)

    for first in range(len(gone)):
        for last in range(first, len(gone)):
            seconds, sent = gone[last] - gone[first], last - first + 1
            assert sent <= burst + seconds * per_address + 1e-6


def test_it_forgets_addresses_that_may_send_again():
    pace = Pace(Limits(per_second=1_000_000, per_address_per_second=1_000, burst=1))
    for number in range(50_002):
        pace.wait_seconds(str(number), float(number))

    assert len(pace._addresses) < 50_000
