"""Pictures of products: whole or not there, once however often, and cleared away if unfinished."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from commerce import catalog
from commerce.catalog import (
    DiskStorage,
    Media,
    NoSuchPicture,
    NotYourProduct,
    PictureRefused,
    ProductIncomplete,
    StaleProduct,
    TooManyPictures,
    media_jobs,
    media_model,
)
from commerce.catalog.media_model import PICTURES_MAX, PictureStatus
from commerce.catalog.media_tables import PICTURES
from commerce.kernel.clock import HOUR, MINUTE
from commerce.kernel.errors import Outage
from tests.catalog.factories import a_draft, a_product, a_product_on_sale
from tests.catalog.pictures import a_picture

OLD = "/media/shirt.svg"


class Unsteady(DiskStorage):
    """A disk that fails where it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.puts_until_failure = 99
        self.before_delete: asyncio.Event | None = None
        self.deleting = asyncio.Event()

    async def put(self, key: str, content: bytes) -> None:
        self.puts_until_failure -= 1
        if self.puts_until_failure < 0:
            raise Outage("pulled the plug")
        await super().put(key, content)

    async def delete(self, key: str) -> None:
        self.deleting.set()
        if self.before_delete:
            await self.before_delete.wait()
        await super().delete(key)


@pytest.fixture
def storage(tmp_path):
    return Unsteady(tmp_path)


@pytest.fixture
async def media(database, clock, storage):
    await database.unit_of_work(a_draft)
    media = Media(database, storage)
    yield media
    media.close()


def add(media, content=None, supplier_id="sol"):
    return media.add("shirt", content or a_picture((330, 330)), supplier_id=supplier_id)


async def rows(database):
    found = await database.read(lambda tx: tx.all(PICTURES.select()))
    return [(row["width"], row["height"], PictureStatus(row["status"])) for row in found]


async def product(database):
    return await database.read(lambda tx: catalog.product(tx, "shirt"))


def files(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


async def test_an_uploaded_picture_is_the_products_last_one(database, media, storage, tmp_path):
    path = await add(media)

    assert (await product(database)).pictures == (OLD, path)
    assert await rows(database) == [(330, 330, PictureStatus.STORED)]
    digest = media_model.PATH.fullmatch(path)["digest"]
    assert files(tmp_path) == sorted(media_model.keys(digest, 330))
    assert await storage.get(path.removeprefix("/media/"))


async def test_the_same_bytes_ten_times_at_once_are_one_picture(database, media, tmp_path):
    paths = await asyncio.gather(*(add(media) for _ in range(10)))

    assert len(set(paths)) == 1
    assert (await product(database)).pictures == (OLD, paths[0])
    assert len(await rows(database)) == 1
    assert len(files(tmp_path)) == 3


async def test_different_pictures_at_once_are_all_kept(database, media):
    paths = await asyncio.gather(*(add(media, a_picture(color=(n, 0, 0))) for n in range(4)))

    assert set((await product(database)).pictures) == {OLD, *paths}


@pytest.mark.parametrize(
    ("supplier", "refusal"), [("luna", NotYourProduct), ("sol", PictureRefused)]
)
async def test_a_refused_picture_changes_nothing(database, media, tmp_path, supplier, refusal):
    content = b"no picture" if refusal is PictureRefused else a_picture()

    with pytest.raises(refusal):
        await add(media, content, supplier)

    assert (await product(database)).pictures == (OLD,)
    assert (await rows(database), files(tmp_path)) == ([], [])


async def test_a_product_has_no_more_pictures_than_fit(database, media):
    many = tuple(f"/media/{n}.svg" for n in range(PICTURES_MAX))
    await database.unit_of_work(
        lambda tx: catalog.edit_product(
            tx, "shirt", catalog.Changes(pictures=many), expected_version=1
        )
    )

    with pytest.raises(TooManyPictures):
        await add(media)

    assert (await product(database)).pictures == many
    assert await rows(database) == []


@pytest.mark.parametrize("puts", [0, 2])
async def test_an_upload_that_dies_leaves_no_reference_and_is_cleared_away(
    database, media, storage, tmp_path, clock, puts
):
    storage.puts_until_failure = puts
    with pytest.raises(Outage):
        await add(media)
    assert (await product(database)).pictures == (OLD,)
    assert len(files(tmp_path)) == puts

    clock.advance(59 * MINUTE)
    assert await media_jobs.clear_away(database, storage) == 0
    clock.advance(2 * MINUTE)
    assert await media_jobs.clear_away(database, storage) == 1

    assert (await rows(database), files(tmp_path)) == ([], [])
    storage.puts_until_failure = 99
    path = await add(media)
    assert (await product(database)).pictures == (OLD, path)


async def test_what_is_stored_is_never_cleared_away(database, media, storage, tmp_path, clock):
    path = await add(media)
    await database.unit_of_work(
        lambda tx: catalog.arrange(
            tx, "shirt", pictures=[OLD], of_variants={}, expected_version=2, supplier_id="sol"
        )
    )
    clock.advance(1000 * HOUR)

    assert await media_jobs.clear_away(database, storage) == 0
    assert await storage.get(path.removeprefix("/media/"))


async def test_an_upload_during_the_clearing_is_told_to_come_again(
    database, media, storage, tmp_path, clock
):
    storage.puts_until_failure = 1
    with pytest.raises(Outage):
        await add(media)
    clock.advance(2 * HOUR)
    storage.puts_until_failure, storage.before_delete = 99, asyncio.Event()
    clearing = asyncio.create_task(media_jobs.clear_away(database, storage))
    await storage.deleting.wait()
    assert (await rows(database))[0][2] is PictureStatus.REMOVING

    with pytest.raises(catalog.PictureBusy):
        await add(media)
    storage.before_delete.set()
    await clearing

    assert (await rows(database), files(tmp_path)) == ([], [])
    assert await add(media) in (await product(database)).pictures


async def test_a_removal_that_died_is_ended_by_the_next_one(database, media, storage, clock):
    storage.puts_until_failure = 1
    with pytest.raises(Outage):
        await add(media)
    clock.advance(2 * HOUR)
    storage.before_delete = asyncio.Event()
    dying = asyncio.create_task(media_jobs.clear_away(database, storage))
    await storage.deleting.wait()
    assert (await rows(database))[0][2] is PictureStatus.REMOVING
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    storage.before_delete = None

    assert await media_jobs.clear_away(database, storage) == 0
    clock.advance(2 * HOUR)
    assert await media_jobs.clear_away(database, storage) == 1
    assert await rows(database) == []


def arranged(database, *pictures, version=2, supplier_id="sol", **of_variants):
    looks = {sku.replace("_", "-"): path for sku, path in of_variants.items()}
    return database.unit_of_work(
        lambda tx: catalog.arrange(
            tx,
            "shirt",
            pictures=pictures,
            of_variants=looks,
            expected_version=version,
            supplier_id=supplier_id,
        )
    )


async def test_pictures_are_put_in_order_and_given_to_variants(database, media):
    path = await add(media)

    first = await arranged(database, path, OLD, shirt_m=OLD)
    assert first.pictures == (path, OLD)
    assert first.image == path
    assert [variant.image for variant in first.variants] == [OLD, ""]

    again = await arranged(database, path, OLD, shirt_m=OLD, version=first.version)
    assert again == first  # nothing to save is no new version

    without = await arranged(database, path, version=first.version)
    assert [variant.image for variant in without.variants] == ["", ""]


@pytest.mark.parametrize(
    ("pictures", "given", "refusal"),
    [
        (["/media/other.webp"], {}, NoSuchPicture),
        ([OLD], {"shirt_m": "/media/other.webp"}, NoSuchPicture),
        ([OLD], {"version": 1}, StaleProduct),
        ([OLD], {"supplier_id": "luna"}, NotYourProduct),
    ],
)
async def test_an_order_that_cannot_be_changes_nothing(database, media, pictures, given, refusal):
    await add(media)
    before = await product(database)

    with pytest.raises(refusal):
        await arranged(database, *pictures, **given)

    assert await product(database) == before


async def test_what_is_for_sale_keeps_a_picture(database, clock):
    on_sale = await database.unit_of_work(lambda tx: a_product_on_sale(tx, a_product()))

    with pytest.raises(ProductIncomplete):
        await arranged(database, version=on_sale.version)

    assert await product(database) == on_sale
