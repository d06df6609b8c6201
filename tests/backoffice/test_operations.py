"""Operations: what waits is seen by admins alone, decided once with a reason, and written down."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update

from backoffice import words_operations
from backoffice.attention import SHOWN_ANYWAY
from backoffice.cases import NoSuchCase
from backoffice.forms import NoSuchAmount
from backoffice.words_operations import PLANS, Step
from commerce import checkout, inventory, payments
from commerce.kernel import alerts, audit, parked, saga
from commerce.kernel.audit import ReasonMissing
from commerce.kernel.database import Database
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.parked import NotParked
from commerce.kernel.saga_interventions import SagaNotParked, SagaTurnedAlready
from commerce.kernel.tables import AUDIT_ENTRIES, INBOX, OUTBOX, SAGAS
from tests.backoffice.conftest import Browser, House, Opens
from tests.backoffice.markup import PROBES, Tags
from tests.backoffice.troubles import ShopWithCash, Troubles

HERE = "/backoffice/operations"
REASON = "looked at it with the bank"
NOBODY = "01976000-0000-7000-8000-0000000000ff"
DEEDS = {"sagas": "skip", "books": "resolve", "orders": "collected", "s/": "drop"}
TILE = re.compile(r"<b>(\d+)</b><span>([^<]+)</span>")


@pytest.fixture
async def troubles(house: House, clock) -> Troubles:
    shop = ShopWithCash(house.database, clock)
    await shop.opens()
    return Troubles(shop)


@pytest.fixture
async def ada(open_browser: Opens) -> Browser:
    return await open_browser("ada")


async def everything(database: Database) -> object:
    tables = (SAGAS, OUTBOX, INBOX, AUDIT_ENTRIES)
    return [
        [
            tuple(row[name] for name in sorted(row.keys()))
            for row in await database.read(lambda tx, t=t: tx.all(select(t)))
        ]
        for t in tables
    ]


async def audited(database: Database, about: str) -> list[tuple[str, str, str]]:
    found = await database.read(lambda tx: audit.about(tx, about))
    return [(entry.action, entry.actor_name, entry.reason) for entry in found]


def form_key(page: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert found, page
    return found[1]


def tiles(page: str) -> dict[str, int]:
    return {label: int(count) for count, label in TILE.findall(page) if count != "0"}


def operations_routes(office: TestServer, method: str) -> list[str]:
    """Each path under operations, with ids that lead nowhere in place of its patterns."""
    found = []
    for route in office.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method == method and path.startswith(HERE):
            path = path.replace("{id}", NOBODY).replace("{seq}", "1")
            found.append(
                path.replace("{deed}", next((d for p, d in DEEDS.items() if p in path), ""))
            )
    return sorted(set(found))


async def test_nothing_waits_in_a_shop_that_is_well(house: House, ada: Browser) -> None:
    page = await ada.get(HERE)

    assert "Nothing waits for you" in page
    assert 'class="count"' not in page
    assert tiles(page) == {}
    for path, words in (
        ("payments", "No case is open"),
        ("books", "Nothing was compared yet"),
        ("audit", "Nothing yet"),
    ):
        assert words in await ada.get(f"{HERE}/{path}")


async def test_only_admins_look_and_decide(
    office: TestServer, house: House, open_browser: Opens
) -> None:
    before = await everything(house.database)
    for role in ("mara", "nell"):
        browser = await open_browser(role)
        assert "Operations" not in await browser.get("/backoffice/products")
        for path in operations_routes(office, "GET"):
            await browser.get(path, 403)
        for path in operations_routes(office, "POST"):
            await browser.post(path, 403, reason=REASON, key=NOBODY)
    stranger = await open_browser()
    for path in operations_routes(office, "GET"):
        await stranger.get(path, 303)

    assert await everything(house.database) == before


async def test_no_form_from_elsewhere_is_believed(
    office: TestServer, house: House, ada: Browser
) -> None:
    posts, pages = (operations_routes(office, method) for method in ("POST", "GET"))
    assert len(posts) >= 8
    for path in posts:
        await ada.post(path, 403, csrf="0" * 64, reason=REASON)
        await ada.post(path, 403, headers={"Origin": "https://evil.example"}, reason=REASON)
        if path not in pages:
            await ada.get(path, 405)


async def test_what_does_not_exist_is_not_found(office: TestServer, ada: Browser) -> None:
    with_ids = [p for p in operations_routes(office, "GET") if NOBODY in p or p.endswith("/1")]
    assert len(with_ids) >= 4
    for path in with_ids:
        await ada.get(path, 404)


async def test_all_that_waits_is_on_one_page_and_counted_in_the_menu(
    troubles: Troubles, ada: Browser
) -> None:
    database = troubles.shop.database
    purchase, _ = await troubles.failed_refund()
    await troubles.parked_event()
    await troubles.parked_message()
    await troubles.wrong_money()
    await troubles.unknown_payment()
    stuck = await troubles.stuck_checkout()
    await database.unit_of_work(
        lambda tx: alerts.raise_alert(tx, "books_differ", "sandbox", "One cent is missing.", {})
    )
    for shown in SHOWN_ANYWAY:
        await database.unit_of_work(
            lambda tx, name=shown: alerts.raise_alert(tx, name, "1", "You see it anyway.", {})
        )
    await database.unit_of_work(lambda tx: inventory.suspend(tx, "shirt-m", "held differs"))
    page = await ada.get(HERE)

    assert tiles(page) == {
        "Stopped, need a decision": 1, "Stuck": 2, "Events nobody could hear": 1,
        "Messages nobody could answer": 1, "Wrong money": 1, "News of unknown payments": 1,
        "Refunds that failed": 1, "Stock not sold": 1, "Alerts": 1,
    }  # fmt: skip
    assert '<b class="count">10<' in page
    for words in (
        f"Refund of order {purchase.code}", f"Checkout of order {stuck.code}", "€10.00",
        "address.told", "One cent is missing.", "held differs",
    ):  # fmt: skip
        assert words in page
    assert "You see it anyway." not in page


DECISIONS = [
    ("retry", "running", "being tried again"),
    ("skip", "running", "was skipped"),
    ("compensate", "compensating", "turned around"),
]


async def test_a_stopped_saga_is_decided_with_a_reason(troubles: Troubles, ada: Browser) -> None:
    for deed, status, said in DECISIONS:
        purchase, stopped = await troubles.failed_refund()
        path = f"{HERE}/sagas/{stopped.id}"
        page = await ada.get(path)
        for words in (
            f"Refund of order {purchase.code}", "The provider could not give the money back.",
            "Ask the provider to give the money back", "€10.00", "What shall happen?",
        ):  # fmt: skip
            assert words in page

        why = f"{REASON}: {deed}"
        page = await ada.get(
            await ada.post(f"{path}/{deed}", key=form_key(page), reason=f" {why}\r\n")
        )
        assert said in page
        assert why in page
        assert "What shall happen?" not in page
        found = await troubles.shop.database.read(lambda tx, p=stopped: saga.find(tx, p.id))
        assert (found.status, found.step) == (status, stopped.step + (deed == "skip"))
        [(action, who, reason)] = await audited(troubles.shop.database, f"saga:{stopped.id}")
        assert (action.partition(".")[0], who, reason) == ("saga", "Ada", why)
        await retire(troubles, stopped.id)
    assert await ada.get(f"{HERE}/audit") != await ada.get(f"{HERE}/audit?page=2")


async def retire(troubles: Troubles, saga_id: str) -> None:
    """Whatever became of it, the next trouble is another one's."""
    gone = update(SAGAS).where(SAGAS.c.id == saga_id).values(status="reverted")
    await troubles.shop.database.unit_of_work(lambda tx: tx.run(gone))


async def test_one_press_counts_and_a_later_one_is_told_so(
    troubles: Troubles, ada: Browser
) -> None:
    _, stopped = await troubles.failed_refund()
    path = f"{HERE}/sagas/{stopped.id}"
    first, second = form_key(await ada.get(path)), form_key(await ada.get(path))
    assert first != second
    for _ in range(2):
        where = await ada.post(f"{path}/skip", key=first, reason=REASON)
        assert where.endswith("?said=skipped")
    before = await everything(troubles.shop.database)

    where = await ada.post(f"{path}/compensate", key=second, reason=REASON)
    assert "somebody was faster" in await ada.get(where)
    assert await everything(troubles.shop.database) == before


async def test_nothing_happens_without_a_reason(troubles: Troubles, ada: Browser) -> None:
    _, stopped = await troubles.failed_refund()
    path = f"{HERE}/sagas/{stopped.id}"
    before = await everything(troubles.shop.database)

    for reason in ("", "  \r\n ", "x" * 501):
        where = await ada.post(f"{path}/retry", key=form_key(await ada.get(path)), reason=reason)
        assert "Say why" in await ada.get(where)
    assert await everything(troubles.shop.database) == before


async def test_a_stuck_saga_says_where_it_stands_though_nothing_was_written(
    troubles: Troubles, ada: Browser
) -> None:
    stuck = await troubles.stuck_checkout()
    page = await ada.get(f"{HERE}/sagas/{stuck.id}")

    assert "It stands at: Open the pay page at the provider" in page
    assert "That is to release the pieces" in page
    await ada.post(f"{HERE}/sagas/{stuck.id}/retry", key=form_key(page), reason=REASON)
    await troubles.shop.settles()
    assert "Nothing to decide" in await ada.get(f"{HERE}/sagas/{stuck.id}")


async def test_a_parked_event_is_replayed_or_given_up(troubles: Troubles, ada: Browser) -> None:
    database = troubles.shop.database
    for deed, status in (("replay", "waiting"), ("drop", "dropped")):
        event = await troubles.parked_event()
        path = f"{HERE}/events/{event.id}"
        page = await ada.get(path)
        for words in ("address.told", "postcode", "Send it again", "0197-order", "platform:…22"):
            assert words in page
        for secret in ("Calle Mayor", "600111"):
            assert secret not in page

        page = await ada.get(await ada.post(f"{path}/{deed}", key=form_key(page), reason=REASON))
        assert "Nothing to decide" in page
        found = await database.read(lambda tx, e=event: parked.event(tx, e.id))
        assert found.status == status
        assert await audited(database, f"event:{event.id}") == [
            (f"event.{'replayed' if deed == 'replay' else 'dropped'}", "Ada", REASON)
        ]
        await database.unit_of_work(lambda tx: tx.run(update(OUTBOX).values(status="sent")))


async def test_a_parked_message_is_answered_or_given_up(troubles: Troubles, ada: Browser) -> None:
    database = troubles.shop.database
    for deed, status in (("drop", "dropped"), ("replay", "waiting")):
        message = await troubles.parked_message()
        path = f"{HERE}/messages/{message.seq}"
        page = await ada.get(path)
        assert "(23 characters, hidden)" in page
        for secret in ("Calle Mayor", "600111"):
            assert secret not in page

        page = await ada.get(await ada.post(f"{path}/{deed}", key=form_key(page), reason=REASON))
        assert "Nothing to decide" in page
        found = await database.read(lambda tx, m=message: parked.message(tx, m.seq))
        assert found.status == status
        assert len(await audited(database, f"message:{message.seq}")) == 1


async def test_an_alert_is_closed_with_a_reason(troubles: Troubles, ada: Browser) -> None:
    database = troubles.shop.database
    await database.unit_of_work(
        lambda tx: alerts.raise_alert(tx, "books_differ", "sandbox", "One cent is missing.", {})
    )
    key = form_key(await ada.get(HERE))
    await ada.post(
        f"{HERE}/alerts/resolve", key=key, reason=REASON, name="books_differ", subject="sandbox"
    )

    assert await database.read(alerts.open_alerts) == []
    [known] = await database.read(alerts.newest)
    assert known.resolution == REASON
    assert await audited(database, "alert:books_differ:sandbox") == [
        ("alert.resolved", "Ada", REASON)
    ]


async def test_reasons_are_words_and_never_markup(troubles: Troubles, ada: Browser) -> None:
    hostile = " ".join(PROBES)
    shapes = []
    for reason in ("plain", hostile):
        _, stopped = await troubles.failed_refund()
        path = f"{HERE}/sagas/{stopped.id}"
        key = form_key(await ada.get(path))
        await ada.post(f"{path}/compensate", key=key, reason=reason)
        shapes.append(Tags(await ada.get(path)))
        await troubles.shop.settles()

    assert shapes[0].shape == shapes[1].shape
    assert hostile in shapes[1].words
    assert hostile in Tags(await ada.get(f"{HERE}/audit")).words


def test_every_refusal_of_these_pages_has_words() -> None:
    refusals = [
        ReasonMissing, KeyReused, SagaNotParked, SagaTurnedAlready, NotParked, NoSuchCase,
        NoSuchAmount, payments.NotPaid, payments.RefundTooLarge, payments.BadAmount,
        payments.PaymentDiffers, payments.cash_desk.NoSuchRefund, checkout.NoSuchDifference,
    ]  # fmt: skip
    assert [one.code for one in refusals if not words_operations.problem(one.code)] == []


def test_the_words_follow_the_steps_of_the_sagas() -> None:
    definitions = checkout.definitions(None, {})  # type: ignore[arg-type]  # never run
    nothing = Step("").undoes
    for kind, steps in definitions.items():
        told = PLANS[kind].steps
        assert list(told) == [step.name for step in steps], kind
        for step in steps:
            assert (told[step.name].undoes == nothing) == (step.undo is None), step.name
