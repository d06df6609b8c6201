"""Pictures in S3-compatible storage: Amazon's, Cloudflare's, MinIO's, or any other that signs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from commerce.catalog.media_model import picture_type
from commerce.kernel.errors import Outage

if TYPE_CHECKING:
    from obstore import Attributes
    from obstore.store import S3Config

ABSENT = (NotFoundError, FileNotFoundError)
FAILURES = (BaseError, OSError)
TIMEOUT = "20s"
RETRIES = 2


class S3Storage:
    def __init__(
        self,
        *,
        bucket: str,
        endpoint: str,
        region: str,
        access_key: str,
        secret_key: str,
        retries: int = RETRIES,
    ) -> None:
        # Without an endpoint it is Amazon's own, by the region.
        where: S3Config = {"endpoint": endpoint} if endpoint else {}
        self._store = S3Store(
            bucket,
            config=where,
            region=region,
            access_key_id=access_key,
            secret_access_key=secret_key,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "timeout": TIMEOUT,
                "connect_timeout": "5s",
            },
            retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=30)},
        )

    async def put(self, key: str, content: bytes) -> None:
        kind: Attributes = {"Content-Type": picture_type(key)}
        try:
            await self._store.put_async(key, content, attributes=kind, use_multipart=False)
        except FAILURES as error:
            raise _outage(error) from error

    async def get(self, key: str) -> bytes | None:
        try:
            found = await self._store.get_async(key)
            return bytes(await found.bytes_async())
        except ABSENT:
            return None
        except FAILURES as error:
            raise _outage(error) from error

    async def delete(self, key: str) -> None:
        try:
            await self._store.delete_async(key)
        except ABSENT:
            return
        except FAILURES as error:
            raise _outage(error) from error


def _outage(error: Exception) -> Outage:
    """Its first line; the rest repeats the request."""
    return Outage(f"the storage of pictures does not answer: {str(error).splitlines()[0]}")
