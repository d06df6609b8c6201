"""Pictures of products: taken in, kept, put in order, and cleared away where nobody finished.

The row says that bytes are on their way before any is stored, and a product names a picture only
after all of it is: whoever dies in between leaves a row that tells what to clear away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import bindparam, delete, select, update

from commerce.catalog import media_model, model, service
from commerce.catalog.media_encoding import Encoded, encode
from commerce.catalog.media_model import NoSuchPicture, PictureBusy, PictureStatus, TooManyPictures
from commerce.catalog.media_storage import Storage
from commerce.catalog.media_tables import PICTURES
from commerce.catalog.model import Changes, Product
from commerce.kernel.columns import insert_once
from commerce.kernel.database import Database, Tx

BEGIN = insert_once(PICTURES, "digest")
TOUCH = (
    update(PICTURES)
    .where(PICTURES.c.digest == bindparam("picture"), PICTURES.c.status != PictureStatus.REMOVING)
    .values(changed_at=bindparam("now"))
)
STORED = (
    update(PICTURES)
    .where(PICTURES.c.digest == bindparam("picture"), PICTURES.c.status != PictureStatus.REMOVING)
    .values(status=PictureStatus.STORED, changed_at=bindparam("now"))
)
UNFINISHED = (
    select(PICTURES)
    .where(PICTURES.c.status != PictureStatus.STORED, PICTURES.c.changed_at < bindparam("before"))
    .order_by(PICTURES.c.changed_at)
    .limit(20)
)
REMOVE = (
    update(PICTURES)
    .where(
        PICTURES.c.digest == bindparam("picture"),
        PICTURES.c.status != PictureStatus.STORED,
        PICTURES.c.changed_at == bindparam("seen"),
    )
    .values(status=PictureStatus.REMOVING, changed_at=bindparam("now"))
)
REMOVED = delete(PICTURES).where(
    PICTURES.c.digest == bindparam("picture"),
    PICTURES.c.status == PictureStatus.REMOVING,
    PICTURES.c.changed_at == bindparam("seen"),
)


Named = Callable[[Tx, str], Awaitable[object]]  # does something with the path of a picture


class Media:
    """The pictures of this process; one at a time is decoded, whatever how many are sent."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self.storage = storage
        self._decoding = ThreadPoolExecutor(1, thread_name_prefix="pictures")

    def close(self) -> None:
        self._decoding.shutdown(wait=False, cancel_futures=True)

    async def add(self, product_id: str, content: bytes, *, supplier_id: str | None) -> str:
        """Take it in as the product's last picture; the same bytes again are the same picture."""

        async def check(tx: Tx, path: str) -> None:
            _must_have_room(await _own(tx, product_id, supplier_id), path)

        async def name(tx: Tx, path: str) -> None:
            await _attach(tx, await _own(tx, product_id, supplier_id), path)

        return await self.take(content, check=check, name=name)

    async def take(self, content: bytes, *, check: Named, name: Named) -> str:
        """Take it in: `check` refuses before it is stored, `name` says whose it is after that."""
        running = asyncio.get_running_loop()
        encoded = await running.run_in_executor(self._decoding, encode, content)
        path = media_model.path(encoded.digest, encoded.width)

        async def begin(tx: Tx) -> None:
            await check(tx, path)
            await _begin(tx, encoded)

        async def finish(tx: Tx) -> None:
            if not await tx.run(STORED, picture=encoded.digest, now=await tx.now()):
                raise PictureBusy("the picture was cleared away meanwhile")
            await name(tx, path)

        await self._database.unit_of_work(begin)
        for key, kept in _kept(encoded).items():
            await self.storage.put(key, kept)
        await self._database.unit_of_work(finish)
        return path


async def arrange(
    tx: Tx,
    product_id: str,
    *,
    pictures: Sequence[str],
    of_variants: Mapping[str, str],
    expected_version: int,
    supplier_id: str | None,
) -> Product:
    """The product's pictures in this order and no others; variants look like one of them.

    A picture that is left out leaves the product; its bytes stay, since orders show it.
    """
    product = await _own(tx, product_id, supplier_id)
    model.must_be_at(product, expected_version)
    kept = tuple(dict.fromkeys(pictures))
    strangers = {*kept} - {*product.pictures} | {*of_variants.values()} - {*kept, ""}
    if strangers:
        raise NoSuchPicture(product_id=product_id, path=min(strangers))
    variants = tuple(
        replace(variant, image=image if image in kept else "")
        for variant in product.variants
        for image in [of_variants.get(variant.sku, variant.image)]
    )
    changes = Changes(pictures=kept, variants=variants)
    if changes.to(product) == product:
        return product
    return await service.edit_product(tx, product_id, changes, expected_version=expected_version)


async def unfinished(tx: Tx, older_than: int) -> list[tuple[str, int, int]]:
    """(digest, width, when it was touched) of uploads that broke off longer ago (µs)."""
    rows = await tx.all(UNFINISHED, before=await tx.now() - older_than)
    return [(row["digest"], row["width"], row["changed_at"]) for row in rows]


async def begin_removal(tx: Tx, digest: str, seen: int) -> int | None:
    """When it was begun, to end it by; None where somebody took the picture up again."""
    now = await tx.now()
    return now if await tx.run(REMOVE, picture=digest, seen=seen, now=now) else None


async def end_removal(tx: Tx, digest: str, begun: int) -> None:
    await tx.run(REMOVED, picture=digest, seen=begun)


async def _own(tx: Tx, product_id: str, supplier_id: str | None) -> Product:
    product = await service.product(tx, product_id)
    model.must_belong_to(product, supplier_id)
    return product


def _kept(encoded: Encoded) -> dict[str, bytes]:
    sizes = {media_model.key(encoded.digest, w): size for w, size in encoded.sizes.items()}
    return {**sizes, media_model.photo_key(encoded.digest, encoded.width): encoded.photo}


async def _begin(tx: Tx, encoded: Encoded) -> None:
    now = await tx.now()
    added = await tx.run(
        BEGIN,
        digest=encoded.digest,
        width=encoded.width,
        height=encoded.height,
        status=PictureStatus.STORING,
        changed_at=now,
    )
    if not added and not await tx.run(TOUCH, picture=encoded.digest, now=now):
        raise PictureBusy("what is left of this picture is being cleared away")


async def _attach(tx: Tx, product: Product, path: str) -> None:
    _must_have_room(product, path)
    if path not in product.pictures:
        changes = Changes(pictures=(*product.pictures, path))
        await service.edit_product(tx, product.id, changes, expected_version=product.version)


def _must_have_room(product: Product, path: str) -> None:
    if path not in product.pictures and len(product.pictures) >= media_model.PICTURES_MAX:
        raise TooManyPictures(maximum=media_model.PICTURES_MAX)
