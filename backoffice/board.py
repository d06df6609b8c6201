"""What a leader sees of a session while it runs: the offer, the stock, the money, the orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import live
from backoffice import flash_forms, pages, plot
from backoffice.flash_forms import FlashForm
from backoffice.plot import Plot
from commerce import accounts, inventory, orders, promotions
from commerce.accounts import Action
from commerce.inventory import PROMISED
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.orders import Order, Tally
from commerce.promotions import Flash
from live import Offer, Session

LATEST = 12
SESSIONS_MAX = 60  # on the list of sessions, newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An order as a row of a table."""

    code: str
    item: str
    total_minor: int
    currency: str
    status: str
    placed_at: int


@dataclass(frozen=True, slots=True)
class Left:
    label: str
    left: int
    queue: int = 0  # fans who wait for it
    stopped: bool = False  # not for sale until somebody has looked into it


@dataclass(frozen=True, slots=True)
class Queue:
    """Fans who wait for something that is not pinned any more."""

    name: str
    fans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    session: Session
    offer: Offer | None
    held: int  # pieces promised to fans who have not paid yet
    waiting: int  # orders placed and not paid
    sold: Tally
    plot: Plot
    latest: Sequence[Line]
    queues: Mapping[str, int]  # SKU -> fans who wait for it
    queues_beside: Sequence[Queue]
    stopped: Collection[str]  # SKUs
    flashes: Sequence[Flash]  # that run in this session
    flash_offers: Sequence[Flash]  # of the pinned product, for this leader to start

    def label_of(self, sku: str) -> str:
        """What tells the style from the others that are pinned, if there are others."""
        options = self.offer.options if self.offer else ()
        labels = [option.label for option in options if option.sku == sku]
        return labels[0] if labels and len(options) > 1 else ""

    def form_of(self, flash: Flash, sent: FlashForm | None) -> FlashForm:
        """As it was sent and could not be read, or as the supplier offers it."""
        return sent if sent and sent.flash_id == flash.id else flash_forms.of(flash)

    @property
    def prices(self) -> str:
        amounts = [option.price_minor for option in self.offer.options] if self.offer else []
        return pages.prices(amounts, self.offer.currency if self.offer else "")

    @property
    def former(self) -> str:
        """What the cheapest style costs otherwise, where it costs less now."""
        options = self.offer.options if self.offer else ()
        best = min(options, key=lambda option: option.price_minor, default=None)
        if best is None or not best.former_minor or self.offer is None:
            return ""
        return pages.money(best.former_minor, self.offer.currency)

    @property
    def stock(self) -> list[Left]:
        options = self.offer.options if self.offer else ()
        return [
            Left(
                option.label or pages.ONE_SIZE,
                option.available,
                self.queues.get(option.sku, 0),
                option.sku in self.stopped,
            )
            for option in options
        ]

    @property
    def stock_most(self) -> int:
        return max([1, *(size.left for size in self.stock)])


@dataclass(frozen=True, slots=True)
class Overview:
    session: Session
    sold: Tally


async def of(tx: Tx, session: Session) -> Board:
    counts = await orders.session_counts(tx, session.id)
    held = await inventory.holds_of(tx, session.id)
    offer = await live.pinned_offer(tx, session)
    queues = await live.waitlist.waiting_in(tx, session.id)
    now = clock.now()
    paid = await orders.paid_per_minute(tx, session.id, plot.first_minute(now))
    return Board(
        session=session,
        offer=offer,
        held=sum(pieces.get(status, 0) for pieces in held.values() for status in PROMISED),
        waiting=counts[orders.Status.PENDING].orders,
        sold=counts[orders.Status.PAID],
        plot=plot.per_minute(paid, now),
        latest=await lines(tx, session.id, LATEST),
        queues=queues,
        queues_beside=await _beside(tx, queues, offer),
        stopped={one.sku for one in await inventory.suspended(tx)},
        flashes=[one for one in await promotions.flashes_in(tx, session.id) if one.runs(now)],
        flash_offers=await _flash_offers(tx, session, offer),
    )


async def _flash_offers(tx: Tx, session: Session, offer: Offer | None) -> list[Flash]:
    pinned = {option.sku for option in offer.options} if offer else set()
    offered = await promotions.flashes_offered_to(tx, session.leader_id)
    return [one for one in offered if one.sku in pinned]


async def _beside(tx: Tx, queues: Mapping[str, int], offer: Offer | None) -> list[Queue]:
    pinned = {option.sku for option in offer.options} if offer else set()
    skus = [sku for sku in queues if sku not in pinned]
    found = []
    for sku, (title, label) in (await live.names_of(tx, skus)).items():
        found.append(Queue(f"{title} · {label}" if label else title, queues[sku]))
    return sorted(found, key=lambda queue: queue.name)


async def lines(tx: Tx, session_id: str, limit: int) -> list[Line]:
    return [_line(order) for order in await orders.orders_of_session(tx, session_id, limit)]


def _line(order: Order) -> Line:
    return Line(
        code=order.code,
        item=", ".join(
            f"{item.quantity} \u00d7 {item.title}" + (f" · {item.option}" if item.option else "")
            for item in order.items
        ),
        total_minor=order.total_minor,
        currency=order.currency,
        status=order.status,
        placed_at=order.placed_at,
    )


async def overview(tx: Tx, leader_id: str | None) -> list[Overview]:
    """A leader's sessions, or everybody's, newest first."""
    leaders = [leader_id] if leader_id is not None else await _leaders(tx)
    found = [s for leader in leaders for s in await live.sessions_of(tx, leader)]
    newest = sorted(found, key=lambda s: (s.status == live.Status.LIVE, s.created_at), reverse=True)
    return [
        Overview(session, (await orders.session_counts(tx, session.id))[orders.Status.PAID])
        for session in newest[:SESSIONS_MAX]
    ]


async def _leaders(tx: Tx) -> list[str]:
    people = await accounts.all_staff(tx)
    return [person.id for person in people if accounts.may(person, Action.RUN_SESSION)]
