"""Running a session from the console: start, pin, watch, unpin, end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

import live
from backoffice import board, forms, plot, words
from commerce import accounts, inventory, orders
from commerce.accounts import Address
from commerce.kernel import clock as clocks
from commerce.kernel import ids
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.fanout import LocalFanout
from commerce.orders import Order
from commerce.pricing import Basis, Destination, Item, Line, LineKind, Quote
from live import Session, Status
from tests.backoffice.conftest import House, Opens, a_product, a_session
from tests.backoffice.markup import PROBES, Tags

NEW = "/backoffice/sessions/new"
HOME = Address(name="Zoë", line1="Rua 1", city="Lisboa", postcode="1000-001", country="PT")


def a_quote(house: House, quantity: int, title: str) -> Quote:
    product = house.hoodie
    variant = product.variants[0]
    item = Item(
        sku=variant.sku,
        product_id=product.id,
        supplier_id=product.supplier_id,
        origin="PT",
        title=title,
        option=variant.label,
        image=product.image,
        quantity=quantity,
        unit_price_minor=variant.price_minor,
        currency="EUR",
    )
    total = quantity * variant.price_minor
    return Quote(
        id=ids.new_id(),
        basis=Basis(at=clocks.now(), items=(item,), destination=Destination(country="PT")),
        lines=(Line(kind=LineKind.GOODS, label=title, amount_minor=total),),
        total_minor=total,
        currency="EUR",
        expires_at=clocks.now() + clocks.HOUR,
        created_at=clocks.now(),
    )


async def an_order(house: House, *, paid: bool, quantity: int = 1, title: str = "Hoodie") -> Order:
    async def work(tx: Tx) -> Order:
        order = await orders.place(
            tx,
            key=ids.new_id(),
            fan_id="fan",
            conversation_id="web:platform:fan",
            session_id=house.session.id,
            leader_id=house.mara.id,
            reference=ids.new_id(),
            quote=a_quote(house, quantity, title),
            address=HOME,
        )
        return await orders.confirm_paid(tx, order.id) if paid else order

    return await house.database.unit_of_work(work)


async def sessions_of(database: Database, leader_id: str) -> list[Session]:
    return await database.read(lambda tx: live.sessions_of(tx, leader_id))


async def pinned(house: House) -> live.Pin | None:
    return await house.database.read(lambda tx: live.pinned(tx, house.session.id))


def console(house: House) -> str:
    return f"/backoffice/sessions/{house.session.id}"


async def test_a_leader_starts_a_live_and_lands_on_its_console(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("tobi")
    await browser.get(NEW)

    where = await browser.post(
        NEW, title="  Night\tmarket ", kind="youtube", link="https://youtu.be/abcdefghijk"
    )

    page = await browser.get(where)
    assert "You are live." in page
    assert "https://t.me/till_bot?start=night-market" in page
    assert "http://till.example/live/night-market" in page
    newest = (await sessions_of(house.database, house.tobi.id))[0]
    assert (newest.title, newest.stream_ref) == ("Night market", "abcdefghijk")
    assert newest.status is Status.LIVE


async def test_the_same_start_form_sent_twice_starts_one_live(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("tobi")
    form = {"title": "Once", "kind": "still", "link": "", "key": ids.new_id()}

    first, second = await asyncio.gather(browser.post(NEW, **form), browser.post(NEW, **form))

    assert first == second
    assert [s.title for s in await sessions_of(house.database, house.tobi.id)] == ["Once", "Sunday"]


async def test_the_key_of_another_leaders_live_takes_nothing_over(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("tobi")

    await browser.post(NEW, 404, title="Mine", kind="still", key=house.session.id)

    assert await sessions_of(house.database, house.mara.id) == [house.session]


@pytest.mark.parametrize(
    ("fields", "words_shown"),
    [
        ({"title": "", "kind": "still"}, forms.TITLE_WORDS),
        ({"title": "\u200b", "kind": "still"}, forms.TITLE_WORDS),
        ({"title": "x" * 121, "kind": "still"}, "At most 120 characters; this has 121."),
        ({"title": "x", "kind": "tv"}, "Choose where you stream."),
        ({"title": "x"}, "Choose where you stream."),
        ({"title": "x", "kind": "youtube", "link": "https://evil.example/abcdefghijk"}, "youtu.be"),
        ({"title": "x", "kind": "twitch", "link": ""}, "https://twitch.tv/yourname"),
        ({"title": "x", "kind": "kick", "link": "javascript:alert(1)"}, "kick.com/yourname"),
        ({"title": "x", "kind": "still", "link": "http://a.example/b.png"}, "or leave this empty"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    open_browser: Opens, house: House, fields: dict[str, str], words_shown: str
) -> None:
    browser = await open_browser("tobi")

    page = await browser.post(NEW, 422, **fields)

    assert words_shown in page
    assert f'value="{fields["title"]}"' in page
    assert len(await sessions_of(house.database, house.tobi.id)) == 1


async def test_pin_unpin_and_end(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")

    where = await browser.post(f"{console(house)}/pin", product=house.hoodie.id, minutes="5")
    page = await browser.get(where)
    pin = await pinned(house)
    assert pin is not None
    assert pin.offer_ends_at == clocks.now() + 5 * clocks.MINUTE
    assert "Pinned. Fans see it now." in page
    assert 'datetime="2026-06-01T12:05:00.000+00:00"' in page

    await browser.get(await browser.post(f"{console(house)}/unpin"))
    assert await pinned(house) is None

    page = await browser.get(await browser.post(f"{console(house)}/end"))
    assert "This live is over." in page
    assert f"{console(house)}/pin" not in page


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("pin", {"minutes": "0"}, "whole number"),
        ("pin", {"minutes": "241"}, "whole number"),
        ("pin", {"minutes": "-5"}, "whole number"),
        ("pin", {"minutes": "٣"}, "whole number"),
        ("pin", {"product": "01976000-0000-7000-8000-0000000000ff"}, "not for sale"),
        ("unpin", {}, "Nothing is pinned any more."),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_console(
    open_browser: Opens, house: House, path: str, fields: dict[str, str], said: str
) -> None:
    browser = await open_browser("mara")

    where = await browser.post(f"{console(house)}/{path}", **{"product": house.hoodie.id, **fields})

    assert said in await browser.get(where)
    assert await pinned(house) is None


async def test_an_ended_live_stays_ended(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")
    await browser.post(f"{console(house)}/end")

    for path in ("end", "pin", "go-live"):
        where = await browser.post(f"{console(house)}/{path}", product=house.hoodie.id)
        assert "This live has ended already." in await browser.get(where)


async def test_a_planned_live_goes_live_from_its_console(open_browser: Opens, house: House) -> None:
    planned = await house.database.unit_of_work(
        lambda tx: live.plan_session(
            tx, leader_id=house.mara.id, leader_name="Mara", title="Soon", stream="/media/a.webp"
        )
    )
    browser = await open_browser("mara")
    assert "This live is planned." in await browser.get(f"/backoffice/sessions/{planned.id}")

    where = await browser.post(f"/backoffice/sessions/{planned.id}/go-live")

    assert "You are live." in await browser.get(where)


async def test_an_admin_can_end_anybodys_live(open_browser: Opens, house: House) -> None:
    browser = await open_browser("ada")

    await browser.post(f"{console(house)}/end")

    [session] = await sessions_of(house.database, house.mara.id)
    assert session.status is Status.ENDED


async def test_the_console_counts_what_is_held_waiting_and_paid(
    open_browser: Opens, house: House
) -> None:
    holds = inventory.Holds(house.database)
    await holds.hold(
        key="k", sku="HOODIE", quantity=3, owner="f", reference=house.session.id, seconds=60
    )
    await holds.close()
    await an_order(house, paid=False)
    await an_order(house, paid=True, quantity=2)

    async def read(tx: Tx) -> board.Board:
        return await board.of(tx, await live.session(tx, house.session.id))

    seen = await house.database.read(read)

    assert (seen.held, seen.waiting) == (3, 1)
    assert (seen.sold.orders, seen.sold.pieces, seen.sold.totals_minor) == (1, 2, {"EUR": 9800})
    assert [bar.count for bar in seen.plot.bars] == [1]
    browser = await open_browser("mara")
    assert "€98.00" in await browser.get("/backoffice")


async def test_orders_are_listed_in_pages_newest_first(open_browser: Opens, house: House) -> None:
    placed = [await an_order(house, paid=False) for _ in range(52)]
    browser = await open_browser("mara")

    pages = [await browser.get(f"{console(house)}/orders?page={n}") for n in ("", "2", "3")]

    codes = [order.code for order in reversed(placed)]
    assert [code for code in codes if code in pages[0]] == codes[:50]
    assert [code for code in codes if code in pages[1]] == codes[50:]
    assert "There is no such page." in pages[2]


@pytest.mark.parametrize(
    ("given", "number"), [("2", 2), ("0", 1), ("-1", 1), ("x", 1), ("9" * 99, 1)]
)
def test_a_page_is_a_number_from_one(given: str, number: int) -> None:
    assert forms.page_number(given) == number


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("page", ["", "/orders"])
async def test_names_in_orders_are_words_and_never_markup(
    open_browser: Opens, house: House, probe: str, page: str
) -> None:
    browser = await open_browser("mara")
    await an_order(house, paid=True, title="Plain")
    before = Tags(await browser.get(console(house) + page))

    await an_order(house, paid=True, title=probe)

    after = Tags(await browser.get(console(house) + page))
    assert set(after.shape) == set(before.shape)
    assert probe in after.words


async def next_event(feed: ClientResponse) -> str:
    lines = []
    while line := (await feed.content.readline()).decode().rstrip("\n"):
        lines.append(line)
    return "\n".join(lines)


async def test_the_feed_sends_what_changed_after_a_nudge(
    open_browser: Opens, house: House, fanout: LocalFanout
) -> None:
    browser = await open_browser("mara")
    async with browser.client.get(f"{console(house)}/feed") as feed:
        assert feed.content_type == "text/event-stream"
        first = await next_event(feed)
        assert 'id="board-numbers"' in first

        order = await an_order(house, paid=True, title="<i>Hoodie</i>\r\ndata: x")
        await live.nudge(fanout, house.session.id)
        second = await next_event(feed)

    assert order.code in second
    assert "&lt;i&gt;Hoodie" in second
    assert all(line.startswith("data: ") for line in second.split("\n"))
    assert 'id="board-pinned"' not in second


async def test_the_feed_ends_with_the_session_of_its_reader(
    open_browser: Opens, house: House, fanout: LocalFanout
) -> None:
    browser = await open_browser("mara")
    async with browser.client.get(f"{console(house)}/feed") as feed:
        await next_event(feed)

        await house.database.unit_of_work(lambda tx: accounts.disable_staff(tx, house.mara.id))
        await live.nudge(fanout, house.session.id)

        assert await next_event(feed) == "event: bye\ndata:"
        assert await feed.content.read() == b""


async def test_open_feeds_end_when_the_server_stops(
    open_browser: Opens, house: House, office: TestServer
) -> None:
    browser = await open_browser("mara")
    async with browser.client.get(f"{console(house)}/feed") as feed:
        await next_event(feed)

        await office.close()

        assert feed.content.at_eof()


async def test_a_person_follows_only_so_many_windows(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")
    feeds = [await browser.client.get(f"{console(house)}/feed") for _ in range(8)]

    await browser.get(f"{console(house)}/feed", 429)

    for feed in feeds:
        feed.close()


def test_every_minute_of_the_plot_has_its_place() -> None:
    now = 100 * clocks.MINUTE + 30 * clocks.SECOND
    first = plot.first_minute(now)

    drawn = plot.per_minute([(first, 1), (100 * clocks.MINUTE, 4)], now)

    assert [(bar.minutes_ago, bar.count) for bar in drawn.bars] == [(29, 1), (0, 4)]
    assert drawn.bars[0].x == 2
    assert drawn.bars[1].x + drawn.bars[1].width == plot.WIDTH - 2
    assert (drawn.bars[1].height, drawn.bars[1].y) == (plot.HEIGHT, 0)
    assert (drawn.total, drawn.highest) == (5, 4)


def test_an_empty_plot_is_empty() -> None:
    assert plot.per_minute([], 0) == plot.Plot((), 0, 0)


def test_a_minute_ahead_of_our_clock_is_drawn_as_now() -> None:
    drawn = plot.per_minute([(0, 1), (clocks.MINUTE, 2)], 0)

    assert [(bar.minutes_ago, bar.count) for bar in drawn.bars] == [(0, 3)]


@pytest.mark.parametrize(
    "refusal",
    [
        *(
            kind
            for kind in vars(live).values()
            if isinstance(kind, type) and issubclass(kind, Refusal)
        ),
        accounts.WrongCredentials,
        accounts.TooManyTries,
        forms.NoSuchMinutes,
    ],
)
def test_every_refusal_a_leader_can_meet_has_words(refusal: type[Refusal]) -> None:
    spoken_elsewhere = {
        "nothing_said",
        "too_long",
        "too_fast",
        "title_missing",
        "stream_not_understood",
        "turn_lapsed",
    }

    assert bool(words.problem(refusal.code)) is (refusal.code not in spoken_elsewhere)


async def test_the_console_shows_who_waits_and_what_is_stopped(
    open_browser: Opens, house: House
) -> None:
    mug = await a_product(house.database, house.hoodie.supplier_id, "Mug", pieces=1)
    holds = inventory.Holds(house.database)
    for sku, pieces in (("HOODIE", 5), ("MUG", 1)):
        await holds.hold(
            key=sku, sku=sku, quantity=pieces, owner="f", reference=house.session.id, seconds=60
        )
    await holds.close()
    browser = await open_browser("mara")
    for product in (mug, house.hoodie):
        await browser.post(f"{console(house)}/pin", product=product.id)

    for fan, sku in (("ana", "HOODIE"), ("ben", "HOODIE"), ("cleo", "MUG")):
        await house.database.unit_of_work(
            lambda tx, fan=fan, sku=sku: live.waitlist.join(
                tx, key=fan, session_id=house.session.id, sku=sku, quantity=1, owner=fan,
                hold_seconds=60,
            )
        )  # fmt: skip
    page = await browser.get(console(house))

    assert 'sold out</b><span class="stock-queue">2 fans wait</span>' in page
    assert "<li><span>Mug</span><b>1</b></li>" in page
    await house.database.unit_of_work(lambda tx: inventory.suspend(tx, "HOODIE", "a count"))
    assert "stopped" in Tags(await browser.get(console(house))).words


@pytest.mark.parametrize("code", ["{wait}", "<script>", "", "paid"])
async def test_only_our_own_sentences_are_shown(
    open_browser: Opens, house: House, code: str
) -> None:
    browser = await open_browser("mara")
    async with browser.client.get(console(house), params={"problem": code, "said": code}) as answer:
        assert "note note--" not in await answer.text()


async def test_a_sold_out_product_can_still_be_pinned(open_browser: Opens, house: House) -> None:
    gone = await a_product(house.database, house.hoodie.supplier_id, "Gone", pieces=1)
    holds = inventory.Holds(house.database)
    await holds.hold(key="k", sku="GONE", quantity=1, owner="f", reference="r", seconds=60)
    await holds.close()
    browser = await open_browser("mara")

    page = await browser.get(await browser.post(f"{console(house)}/pin", product=gone.id))

    assert "sold out" in page


async def test_revenue_of_two_currencies_is_not_added_up(house: House) -> None:
    await an_order(house, paid=True)
    await a_session(house.database, house.mara, "Another")

    seen = await house.database.read(lambda tx: board.overview(tx, house.mara.id))

    assert [(one.session.title, one.sold.orders) for one in seen] == [("Another", 0), ("Friday", 1)]
    assert replace(seen[0], sold=seen[1].sold).sold.totals_minor == {"EUR": 4900}
