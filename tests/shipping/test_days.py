"""When a parcel arrives."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from commerce.shipping.calendars import calendars, timezone_of
from commerce.shipping.days import Calendar, Dispatch, sent_on

BERLIN = Dispatch(handling_days=1, cutoff="14:00", timezone="Europe/Berlin")
GULF = Calendar(frozenset({4, 5}))  # Friday and Saturday
CLOSED = Calendar(holidays=frozenset({date(2026, 6, 4)}))  # a Thursday


def instant(text: str, timezone: str = "Europe/Berlin") -> int:
    there = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))
    return int(there.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("_case", "ordered", "dispatch", "calendar", "sent"),
    [
        ("before the cut-off", "2026-06-02T14:00", BERLIN, Calendar(), "2026-06-03"),
        ("after it", "2026-06-02T14:01", BERLIN, Calendar(), "2026-06-04"),
        ("over the weekend", "2026-06-05T15:00", BERLIN, Calendar(), "2026-06-09"),
        ("on a Saturday as on Monday", "2026-06-06T09:00", BERLIN, Calendar(), "2026-06-09"),
        ("not on a holiday", "2026-06-03T09:00", BERLIN, CLOSED, "2026-06-05"),
        ("another weekend", "2026-06-04T09:00", BERLIN, GULF, "2026-06-07"),
    ],
)
def test_a_parcel_leaves_after_the_working_days_of_the_warehouse(
    _case, ordered, dispatch, calendar, sent
):
    assert sent_on(dispatch, calendar, instant(ordered)).isoformat() == sent


def test_the_cut_off_is_by_the_clock_of_the_warehouse():
    tokyo = Dispatch(handling_days=0, cutoff="12:00", timezone="Asia/Tokyo")
    at = instant("2026-06-02T05:00")  # in Tokyo it is noon

    assert sent_on(tokyo, Calendar(), at) == date(2026, 6, 2)
    assert sent_on(tokyo, Calendar(), at + 60_000_000) == date(2026, 6, 3)


def test_days_on_the_way_are_working_days_where_it_arrives():
    friday = date(2026, 6, 5)

    assert [Calendar().after(friday, days).day for days in (0, 1, 2, 5)] == [5, 8, 9, 12]
    assert GULF.after(friday, 0) == date(2026, 6, 7)


def test_a_calendar_without_working_days_ends():
    never = Calendar(frozenset(range(7)))

    assert never.after(date(2026, 6, 5), 1) > date(2027, 1, 1)


async def test_calendars_know_weekends_and_holidays_of_this_year_and_the_next():
    found = await calendars(["DE", "KW", "XX"], instant("2026-12-20T12:00"))

    assert date(2026, 12, 25) in found["DE"].holidays
    assert date(2027, 1, 1) in found["DE"].holidays
    assert found["KW"].weekend == {4, 5}
    assert found["XX"] == Calendar()


def test_a_country_has_the_time_of_most_of_its_people():
    assert [timezone_of(country) for country in ("US", "ES", "JP", "XX")] == [
        "America/New_York", "Europe/Madrid", "Asia/Tokyo", "UTC",
    ]  # fmt: skip
