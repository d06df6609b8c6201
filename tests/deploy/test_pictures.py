"""Pictures over HTTP: the same from a folder and from a bucket, and kept by browsers for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from commerce import catalog
from deploy import pictures
from deploy.settings import Settings
from tests.contracts.s3_stand_in import S3StandIn, serving

DIGEST = "ab" * 32
KEY = f"pictures/{DIGEST}/320.webp"


async def answers(storage: catalog.Storage) -> list[tuple[int, str, bytes]]:
    app = web.Application()
    app.add_routes(pictures.routes(storage))
    found = []
    async with TestClient(TestServer(app)) as client:
        for path in (KEY, KEY.replace("320", "640"), f"pictures/{DIGEST}/../x.webp", "pictures/x"):
            async with client.get(f"/media/{path}") as answer:
                kept = answer.headers.get("Cache-Control", "")
                found.append((answer.status, kept, await answer.read()))
    return found


@pytest.mark.parametrize("kept_in", ["folder", "bucket"])
async def test_a_picture_is_served_from_where_the_settings_say(
    kept_in: str, tmp_path: Path
) -> None:
    bucket = S3StandIn(bucket="shop", region="us-east-1", access_key="AK", secret_key="s")
    async with serving(bucket) as address:
        named = {"s3_bucket": "shop", "s3_access_key": "AK", "s3_secret_key": SecretStr("s")}
        given = {**named, "s3_api_base": address} if kept_in == "bucket" else {}
        storage = pictures.storage(Settings(media_dir=tmp_path, **given))
        await storage.put(KEY, b"a picture")

        found = await answers(storage)

    assert found[0] == (200, "public, max-age=31536000, immutable", b"a picture")
    assert [status for status, _, _ in found[1:]] == [404, 404, 404]
    assert ([*bucket.objects] == [KEY]) is (kept_in == "bucket")
    assert (tmp_path / KEY).exists() is (kept_in == "folder")
