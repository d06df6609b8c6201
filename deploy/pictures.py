"""Pictures over HTTP: from the storage that the settings name, for ever the same under one path."""

from __future__ import annotations

from aiohttp import web

from commerce import catalog
from deploy.settings import Settings

ONE = r"/media/{key:pictures/[0-9a-f]{64}/[1-9][0-9]{0,3}\.(webp|jpg)}"
FOR_EVER = "public, max-age=31536000, immutable"  # another picture has another path


def storage(settings: Settings) -> catalog.Storage:
    """The bucket where there is one, else the folder; the client is loaded only then."""
    if not settings.s3_bucket:
        return catalog.DiskStorage(settings.media_dir)
    from commerce.catalog.media_gateways import S3Storage

    return S3Storage(
        bucket=settings.s3_bucket,
        endpoint=settings.s3_api_base,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
    )


def routes(pictures: catalog.Storage) -> list[web.AbstractRouteDef]:
    async def picture(request: web.Request) -> web.Response:
        key = request.match_info["key"]
        content = await pictures.get(key)
        if content is None:
            raise web.HTTPNotFound
        return web.Response(
            body=content,
            content_type=catalog.picture_type(key),
            headers={"Cache-Control": FOR_EVER},
        )

    return [web.get(ONE, picture)]
