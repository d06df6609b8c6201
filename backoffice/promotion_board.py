"""What the pages about promotions show: who may do what, how it runs, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import live
from backoffice import plot
from backoffice.plot import GAP, HEIGHT, WIDTH
from backoffice.promotion_forms import Shop
from commerce import accounts, catalog, promotions
from commerce.accounts import Role, Staff
from commerce.catalog import Product
from commerce.kernel import clock
from commerce.kernel.clock import DAY
from commerce.kernel.database import Tx
from commerce.promotions import (
    Funder,
    Performed,
    Promotion,
    Status,
    Visibility,
)

DAYS = plot.DAYS
CHOICES_MAX = 200


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    day: int
    conversions: int


@dataclass(frozen=True, slots=True)
class Told:
    """The last days of a promotion: its sums, its bars, and its rows by audience and channel."""

    whole: Performed
    bars: tuple[Bar, ...]
    places: Sequence[Performed]
    width: int = WIDTH
    height: int = HEIGHT
    days: int = DAYS


async def shop_of(tx: Tx, staff: Staff) -> Shop:
    """What this person may choose from."""
    funder = promotions.funder_of(staff)
    products = await products_of(tx, staff)
    people = await accounts.all_staff(tx)
    leaders = {p.id: p.name for p in people if Role.LEADER in p.roles and p.enabled}
    own = [staff.id] if funder is Funder.LEADER else []
    sessions = [one for leader in own for one in await live.sessions_of(tx, leader)]
    policy = await promotions.policy(tx)
    return Shop(
        by_sku={v.sku: product for product in products for v in product.variants},
        categories=await catalog.categories(tx),
        leaders={} if own else leaders,
        sessions={one.id: one.title for one in sessions},
        currencies=sorted({product.currency for product in products}) or ("EUR",),
        timezone=policy.timezone,
        visibilities=(Visibility.LEADER,) if own else tuple(Visibility),
    )


async def products_of(tx: Tx, staff: Staff) -> list[Product]:
    if promotions.funder_of(staff) is Funder.SUPPLIER:
        return await catalog.products_of_supplier(tx, staff.supplier_id)
    on_sale = (catalog.Status.PUBLISHED, catalog.Status.UNLISTED)
    return await catalog.products_page(tx, statuses=on_sale, most=CHOICES_MAX)


def deeds(staff: Staff, promotion: Promotion) -> list[str]:
    """What this person may do with it now."""
    manages = promotions.may_manage(staff, promotion)
    agrees = promotions.sides_of(staff, promotion)
    stops = manages or promotions.Side.LEADER in agrees
    asked = promotion.status is Status.PENDING and bool(agrees & promotion.awaited)
    allowed = {
        "edit": manages and promotion.status is Status.DRAFT,
        "submit": manages,
        "approve": asked,
        "reject": promotion.status is Status.PENDING
        and bool(agrees & promotions.NEEDED[promotion.visibility]),
        "pause": stops,
        "resume": stops,
        "cancel": manages,
    }
    life = {action.value for status, action in promotions.LIFE.moves if status is promotion.status}
    return [deed for deed, may in allowed.items() if may and (deed == "edit" or deed in life)]


async def told(tx: Tx, promotion: Promotion) -> Told:
    today = clock.now() // DAY * DAY
    first = today - (DAYS - 1) * DAY
    performed = await promotions.performance(tx, promotion.id, since=first)
    by_day = dict.fromkeys((one.day for one in performed), 0)
    for one in performed:
        by_day[one.day] += one.conversions
    highest = max(by_day.values(), default=0)
    step = WIDTH / DAYS
    bars = tuple(
        _bar(day, count, highest, (day - first) // DAY * step, step - GAP)
        for day, count in sorted(by_day.items())
        if count
    )
    places = sorted({(one.leader_id, one.channel) for one in performed})
    return Told(
        whole=promotions.totals(performed),
        bars=bars,
        places=[_place(performed, leader, channel) for leader, channel in places],
    )


def _place(performed: Sequence[Performed], leader: str, channel: str) -> Performed:
    own = [one for one in performed if (one.leader_id, one.channel) == (leader, channel)]
    whole = promotions.totals(own)
    return Performed(
        leader_id=leader,
        channel=channel,
        day=0,
        impressions=whole.impressions,
        clicks=whole.clicks,
        conversions=whole.conversions,
        revenue_minor=whole.revenue_minor,
    )


def _bar(day: int, count: int, highest: int, x: float, width: float) -> Bar:
    height = max(HEIGHT * count / highest, 4)
    return Bar(
        round(x + GAP / 2, 1), round(HEIGHT - height, 1), width, round(height, 1), day, count
    )
