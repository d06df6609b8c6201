"""Pictures are kept alike in a folder and in S3-compatible storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commerce.catalog.media_gateways import S3Storage
from commerce.catalog.media_storage import DiskStorage, Storage
from commerce.kernel.errors import Outage
from tests.contracts.s3_stand_in import S3StandIn, serving

KEY = "pictures/ab/320.webp"


def a_bucket() -> S3StandIn:
    return S3StandIn(bucket="shop", region="eu-south-2", access_key="AK", secret_key="a secret")


def s3(address: str, **other: str) -> S3Storage:
    facts = {"bucket": "shop", "region": "eu-south-2", "access_key": "AK", "secret_key": "a secret"}
    return S3Storage(endpoint=address, **(facts | other), retries=0)


@pytest.fixture(params=["disk", "s3"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "disk":
        yield DiskStorage(tmp_path)
        return
    async with serving(a_bucket()) as address:
        yield s3(address)


async def test_what_was_put_is_given_back_whole(storage: Storage) -> None:
    content = bytes(range(256)) * 400

    await storage.put(KEY, content)

    assert await storage.get(KEY) == content
    assert await storage.get("pictures/ab/640.webp") is None


async def test_what_is_put_again_takes_the_place_of_what_was_there(storage: Storage) -> None:
    await storage.put(KEY, b"old")
    await asyncio.gather(*(storage.put(KEY, b"new") for _ in range(8)))

    assert await storage.get(KEY) == b"new"


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    await storage.put(KEY, b"content")
    await storage.put("pictures/ab/640.webp", b"other")

    await storage.delete(KEY)
    await storage.delete(KEY)

    assert await storage.get(KEY) is None
    assert await storage.get("pictures/ab/640.webp") == b"other"


async def test_a_disk_that_takes_nothing_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file stands where the folder should")
    storage = DiskStorage(tmp_path)

    with pytest.raises(Outage):
        await storage.put(KEY, b"content")
    assert await storage.get(KEY) is None


async def test_a_write_that_was_cut_off_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    storage = DiskStorage(tmp_path)
    await storage.put(KEY, b"whole")
    (tmp_path / f"{KEY}.abc.part").write_bytes(b"ha")

    assert await storage.get(KEY) == b"whole"
    await storage.delete(KEY)
    assert not (tmp_path / "pictures/ab").exists()


@pytest.mark.parametrize(
    "other", [{"secret_key": "another"}, {"access_key": "nobody"}, {"bucket": "elsewhere"},
              {"region": "eu-north-1"}]
)  # fmt: skip
async def test_a_wrong_key_or_bucket_is_an_outage_and_keeps_nothing(other: dict[str, str]) -> None:
    bucket = a_bucket()
    async with serving(bucket) as address:
        with pytest.raises(Outage):
            await s3(address, **other).put(KEY, b"content")

    assert bucket.objects == {}


@pytest.mark.parametrize("status", [500, 503])
async def test_storage_that_is_out_of_order_is_an_outage(status: int) -> None:
    bucket = a_bucket()
    bucket.answers_with = status
    async with serving(bucket) as address:
        storage = s3(address)
        for call in (storage.put(KEY, b"content"), storage.get(KEY), storage.delete(KEY)):
            with pytest.raises(Outage):
                await call


async def test_a_picture_is_told_to_be_one() -> None:
    bucket = a_bucket()
    async with serving(bucket) as address:
        await s3(address).put(KEY, b"content")

    assert bucket.kinds == {KEY: "image/webp"}
