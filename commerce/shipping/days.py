"""Between which two days a parcel arrives, by the working days of both its ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
LOOK_AHEAD_DAYS = 400  # no calendar has so many days off in a row


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which nobody works in a country."""

    weekend: frozenset[int] = frozenset({5, 6})  # Monday is 0
    holidays: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays

    def after(self, day: date, working_days: int) -> date:
        """The day by which so many more working days have come; of 0 the next from `day` on."""
        left = max(working_days, 1)
        if working_days == 0:
            day -= DAY
        for _ in range(LOOK_AHEAD_DAYS):
            day += DAY
            left -= self.works(day)
            if not left:
                return day
        return day


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """How soon a warehouse sends what was ordered."""

    handling_days: int
    cutoff: str  # HH:MM; what comes later counts as ordered the day after
    timezone: str


def sent_on(dispatch: Dispatch, origin: Calendar, at: int) -> date:
    """The day on which what is ordered at this instant (µs) leaves the warehouse."""
    there = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(ZoneInfo(dispatch.timezone))
    late = there.time() > time.fromisoformat(dispatch.cutoff)
    begun = origin.after(there.date() + DAY * late, 0)
    return origin.after(begun, dispatch.handling_days)
