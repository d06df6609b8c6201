"""What offers are worth is told with how sure that is, per fan and per currency."""

from __future__ import annotations

from sqlalchemy import insert

from commerce import offers
from commerce.kernel import clock as clocks
from commerce.offers import Group, Lift
from commerce.offers.measuring import Sample, lift
from commerce.offers.model import LEARNED_AFTER
from commerce.offers.tables import OFFERS
from tests.conftest import NOON

LONG_AGO = NOON - 3 * clocks.DAY


def ended(number, fan, margin, **changes):
    facts = {
        "id": f"o{number}",
        "key": f"k{number}",
        "fan_id": fan,
        "product_id": f"p{number}",
        "currency": "EUR",
        "cell": "new",
        "grouped": "treated",
        "percent_bp": 0,
        "piece_minor": 100,
        "status": "bought" if margin else "lost",
        "learned": "",
        "order_id": "",
        "margin_minor": margin,
        "decided_at": NOON,
        "learn_at": NOON + LEARNED_AFTER,
        "expires_at": NOON + clocks.HOUR,
    }
    return facts | changes


def sample(margins):
    return Sample(len(margins), sum(margins), float(sum(one * one for one in margins)))


def test_the_interval_is_that_of_the_difference_of_two_means():
    found = lift("EUR", sample([0, 1_000] * 50), sample([0, 600] * 50))

    # Standard errors of 50.25 and 30.15 make 58.60 together, and 1.96 of them are 114.86.
    assert found == Lift(
        currency="EUR",
        treated_fans=100,
        held_out_fans=100,
        treated_minor=500,
        held_out_minor=300,
        difference_minor=200,
        low_minor=85,
        high_minor=315,
    )


def test_of_few_fans_nothing_is_said_to_be_sure():
    found = lift("EUR", sample([100] * 1_000), sample([0] * 29))

    assert (found.difference_minor, found.low_minor, found.high_minor) == (100, None, None)


async def test_margins_are_summed_by_fan_and_groups_never_mixed(database, clock):
    rows = [
        ended(1, "ana", 300),
        ended(2, "ana", 100),
        ended(3, "ben", 0, decided_at=LONG_AGO, learn_at=LONG_AGO),
        ended(4, "cleo", 50, grouped="held_out"),
        ended(5, "dan", 900, currency="JPY"),
        ended(6, "eva", 0, learn_at=NOON + clocks.DAY),  # has not had its time
    ]
    await database.unit_of_work(lambda tx: tx.run_many(insert(OFFERS), rows))
    clock.advance(LEARNED_AFTER)

    euros, yen = await database.read(lambda tx: offers.lifts(tx, LONG_AGO))
    since_noon = await database.read(lambda tx: offers.lifts(tx, NOON))
    days = await database.read(lambda tx: offers.days(tx, LONG_AGO))

    assert (euros.currency, euros.treated_fans, euros.treated_minor) == ("EUR", 2, 200)
    assert (euros.held_out_fans, euros.held_out_minor, euros.difference_minor) == (1, 50, 150)
    assert (yen.currency, yen.treated_minor, yen.held_out_fans) == ("JPY", 900, 0)
    assert (since_noon[0].treated_fans, since_noon[0].treated_minor) == (1, 400)
    noon = NOON - NOON % clocks.DAY
    assert [(d.day, d.currency, d.group, d.fans, d.margin_minor) for d in days] == [
        (noon - 3 * clocks.DAY, "EUR", Group.TREATED, 1, 0),
        (noon, "EUR", Group.HELD_OUT, 1, 50),
        (noon, "EUR", Group.TREATED, 1, 400),
        (noon, "JPY", Group.TREATED, 1, 900),
    ]
