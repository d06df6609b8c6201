"""A back office with two leaders, an admin and a supplier, seen as their browsers see it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

import live
from backoffice import Backoffice, ShareLink
from commerce import accounts, catalog, inventory, suppliers
from commerce.accounts import Role, Staff
from commerce.catalog import Product, Variant
from commerce.kernel import clock as clocks
from commerce.kernel.database import Database, Tx
from commerce.kernel.fanout import LocalFanout
from live import Session
from tests.checkout.reporter import Reporter

PASSWORD = "a long enough one"
# Made at the lowest cost there is: signing in is not what most of these tests are about.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$3VRzQvuDKjwz+vxNlaHrPQ$KchM7j9lNuE7rWrXOsLG/zXaWk/beS6wCREQvw6KWnI"
)
TEMPLATES = Path(__file__).parents[2] / "templates"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class House:
    """What the tests start from: a session of each leader, and one product to pin."""

    database: Database
    mara: Staff
    tobi: Staff
    hoodie: Product
    session: Session
    foreign: Session


async def a_person(database: Database, name: str, role: Role, supplier_id: str = "") -> Staff:
    return await database.unit_of_work(
        lambda tx: accounts.create_staff(
            tx,
            email=f"{name}@livetill.example",
            name=name.title(),
            password_hash=PASSWORD_HASH,
            roles=[role],
            supplier_id=supplier_id,
        )
    )


async def a_session(database: Database, leader: Staff, title: str = "Friday") -> Session:
    return await database.unit_of_work(
        lambda tx: live.start_session(
            tx, leader_id=leader.id, leader_name=leader.name, title=title, stream="/media/a.webp"
        )
    )


async def a_supplier(tx: Tx, supplier_id: str = "") -> suppliers.Supplier:
    return await suppliers.create(
        tx, name="Northlight", country="PT", currency="EUR", supplier_id=supplier_id
    )


async def a_product(database: Database, supplier_id: str, title: str, pieces: int = 5) -> Product:
    async def work(tx: Tx) -> Product:
        await a_supplier(tx, supplier_id)
        sku = title.upper()[:12]
        draft = await catalog.create_product(
            tx,
            supplier_id=supplier_id,
            title=title,
            currency="EUR",
            image="/media/hoodie.webp",
            variants=[Variant(sku=sku, label="M", price_minor=4900)],
        )
        await inventory.receive(tx, sku, pieces, reason="test")
        return await catalog.publish(tx, draft.id)

    return await database.unit_of_work(work)


@pytest.fixture
async def house(database: Database, clock: clocks.FakeClock) -> House:
    supplier = await database.unit_of_work(a_supplier)
    mara = await a_person(database, "mara", Role.LEADER)
    tobi = await a_person(database, "tobi", Role.LEADER)
    await a_person(database, "ada", Role.ADMIN)
    await a_person(database, "nell", Role.SUPPLIER, supplier.id)
    return House(
        database,
        mara,
        tobi,
        await a_product(database, supplier.id, "Hoodie"),
        await a_session(database, mara),
        await a_session(database, tobi, "Sunday"),
    )


@pytest.fixture
def fanout() -> LocalFanout:
    return LocalFanout()


@pytest.fixture
def media(house: House, tmp_path: Path) -> Iterator[catalog.Media]:
    media = catalog.Media(house.database, catalog.DiskStorage(tmp_path))
    yield media
    media.close()


@pytest.fixture
async def office(
    house: House, fanout: LocalFanout, media: catalog.Media
) -> AsyncIterator[TestServer]:
    backoffice = Backoffice(
        database=house.database,
        templates=jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,  # as the running till has it
        ),
        fanout=fanout,
        secret_key="a secret of this test",
        public_url="http://till.example",
        share_links=[ShareLink("Telegram", "https://t.me/till_bot?start={slug}")],
        gateways={"sandbox": Reporter()},
        media=media,
    )
    app = web.Application()
    app.add_routes(backoffice.routes())
    app.router.add_static("/static", TEMPLATES / "static")

    async def close(_: web.Application) -> None:
        backoffice.close()

    app.on_shutdown.append(close)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


class Browser:
    """Keeps cookies and sends forms the way a browser does, with the token of the page before."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.csrf = ""

    async def get(self, path: str, status: int = 200) -> str:
        async with self.client.get(path, allow_redirects=False) as response:
            assert response.status == status, await response.text()
            text = await response.text()
        self.csrf = (CSRF.search(text) or [self.csrf, self.csrf])[1]
        return text

    async def post(
        self, path: str, status: int = 303, headers: dict[str, str] | None = None, **fields: str
    ) -> str:
        """Where it leads, or the page that came instead."""
        form = {"csrf": self.csrf, **fields}
        async with self.client.post(
            path, data=form, headers=headers, allow_redirects=False
        ) as response:
            assert response.status == status, await response.text()
            return response.headers.get("Location") or await response.text()

    async def sign_in(self, name: str, password: str = PASSWORD, status: int = 303) -> str:
        await self.get("/backoffice/sign-in")
        where = await self.post(
            "/backoffice/sign-in", status, email=f"{name}@livetill.example", password=password
        )
        if status == 303:
            await self.get("/backoffice/products")
        return where


Opens = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def open_browser(office: TestServer) -> AsyncIterator[Opens]:
    clients: list[TestClient] = []

    async def opened(name: str = "") -> Browser:
        client = TestClient(office, cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        browser = Browser(client)
        if name:
            await browser.sign_in(name)
        return browser

    yield opened
    for client in clients:
        await client.close()
