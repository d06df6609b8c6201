"""The demo shop: complete after the first seeding, untouched by the second."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

import live
from commerce import accounts, catalog, inventory
from commerce.kernel import clock as clocks
from commerce.kernel.columns import metadata
from commerce.kernel.database import Database, Tx
from deploy import seed, seed_pictures, tables


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    seed_pictures.draw(folder)
    return folder


async def every_row(database: Database) -> dict[str, list[str]]:
    assert tables.LOADED

    async def read(tx: Tx) -> dict[str, list[str]]:
        return {
            table.name: sorted(str(dict(row)) for row in await tx.all(select(table)))
            for table in metadata.sorted_tables
        }

    return await database.read(read)


async def test_seeding_twice_leaves_every_row_as_it_was(
    database: Database, clock: clocks.FakeClock, media: Path
) -> None:
    first = await seed.seed(database, media, now=clock.now())
    rows = await every_row(database)
    clock.advance(10 * clocks.MINUTE)

    second = await seed.seed(database, media, now=clock.now())

    assert first == second
    assert await every_row(database) == rows


async def test_the_demo_sells_at_once(
    database: Database, clock: clocks.FakeClock, media: Path
) -> None:
    result = await seed.seed(database, media, now=clock.now())

    async def read(tx: Tx) -> tuple[live.Offer | None, list[catalog.Product], int]:
        products = await catalog.products_page(tx, most=99)
        left = await inventory.available(tx, [v.sku for p in products for v in p.variants])
        return await live.current_offer(tx, result.session_slug), products, min(left.values())

    offer, products, fewest = await database.read(read)

    assert offer is not None
    assert offer.ends_at == clock.now() + seed.OFFER
    assert [option.label for option in offer.options] == ["S", "M", "L", "XL"]
    assert len(products) == 6
    assert fewest > 0
    assert {Path(p.image).name for p in products} < set(seed_pictures.PICTURES)


async def test_every_demo_login_works(
    database: Database, clock: clocks.FakeClock, media: Path
) -> None:
    result = await seed.seed(database, media, now=clock.now())

    for login in result.logins:
        token = await accounts.sign_in(database, login.email, login.password)
        staff = await accounts.signed_in(database, token)
        assert staff is not None
        assert {role.value for role in staff.roles} == {login.role}


async def test_an_offer_that_ran_out_is_put_up_again(
    database: Database, clock: clocks.FakeClock, media: Path
) -> None:
    result = await seed.seed(database, media, now=clock.now())
    clock.advance(seed.OFFER)

    await seed.seed(database, media, now=clock.now())

    offer = await database.read(lambda tx: live.current_offer(tx, result.session_slug))
    assert offer is not None
    assert offer.ends_at == clock.now() + seed.OFFER


async def test_what_the_leader_changed_stays(
    database: Database, clock: clocks.FakeClock, media: Path
) -> None:
    await seed.seed(database, media, now=clock.now())

    async def end(tx: Tx) -> None:
        session = await live.session(tx, seed.LIVE)
        await live.end_session(tx, seed.LIVE, leader_id=session.leader_id)

    await database.unit_of_work(end)
    rows = await every_row(database)
    clock.advance(clocks.DAY)

    await seed.seed(database, media, now=clock.now())

    assert await every_row(database) == rows


@pytest.mark.parametrize("name", seed_pictures.PICTURES)
def test_every_picture_is_drawn_whole_and_colourful(media: Path, name: str) -> None:
    size, *_ = seed_pictures.PICTURES[name]

    with Image.open(media / name) as picture:
        assert (picture.format, picture.size) == ("WEBP", size)
        colours = picture.convert("RGB").resize((64, 64)).getcolors(64 * 64)
    assert colours is not None
    assert len(colours) > 200
    assert (media / name).stat().st_size < 80_000


def test_pictures_that_are_there_are_not_drawn_again(media: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in media.iterdir()}

    seed_pictures.draw(media)

    assert {file.name: file.stat().st_mtime_ns for file in media.iterdir()} == before
    assert set(before) == set(seed_pictures.PICTURES)
