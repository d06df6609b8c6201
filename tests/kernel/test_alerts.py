"""Alerts: one open alert per thing, counted while it lasts, and closed when it holds again."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from commerce.kernel import alerts
from commerce.kernel.clock import MINUTE
from tests.conftest import NOON


@pytest.fixture
def raised(database):
    def work(subject="shirt", name="oversold", message="3 too many", **facts):
        return database.unit_of_work(
            lambda tx: alerts.raise_alert(tx, name, subject, message, facts)
        )

    return work


@pytest.fixture
def resolved(database):
    def work(subject="shirt", name="oversold"):
        return database.unit_of_work(lambda tx: alerts.resolve(tx, name, subject, "holds again"))

    return work


async def open_ones(database):
    return await database.read(alerts.open_alerts)


async def test_an_alert_that_lasts_is_one_alert_with_a_count(database, clock, raised):
    assert await raised(held=3)
    clock.advance(MINUTE)
    assert not await raised(message="4 too many", held=4)

    assert await open_ones(database) == [
        alerts.Alert(
            name="oversold", subject="shirt", message="4 too many", facts={"held": 4}, count=2,
            first_at=NOON, last_at=NOON + MINUTE, resolved_at=None, resolution="",
        )
    ]  # fmt: skip


async def test_each_subject_and_each_name_has_its_own(database, raised):
    assert await raised()
    assert await raised(subject="hat")
    assert await raised(name="stuck")

    found = [(one.name, one.subject) for one in await open_ones(database)]
    assert found == [("oversold", "hat"), ("oversold", "shirt"), ("stuck", "shirt")]


async def test_what_is_resolved_and_comes_back_is_a_new_alert(database, clock, raised, resolved):
    await raised()
    clock.advance(MINUTE)
    assert await resolved()
    assert not await resolved()
    assert await open_ones(database) == []

    clock.advance(MINUTE)
    assert await raised()
    now, before = await database.read(alerts.newest)
    assert (now.open, now.count, now.first_at) == (True, 1, NOON + 2 * MINUTE)
    assert (before.resolved_at, before.resolution) == (NOON + MINUTE, "holds again")


async def test_raised_at_once_by_many_it_is_opened_once(database, raised):
    news = await asyncio.gather(*[raised() for _ in range(8)])

    assert sorted(news) == [False] * 7 + [True]
    (one,) = await open_ones(database)
    assert one.count == 8


async def test_the_gauge_counts_what_is_open_now(database, raised, resolved):
    await raised()
    await raised(subject="hat")
    await raised(name="stuck")
    await resolved(name="stuck")

    await database.read(alerts.measure)

    def gauge(name):
        return REGISTRY.get_sample_value("livetill_alerts_open", {"alert": name})

    assert gauge("oversold") == 2
    assert gauge("stuck") is None
