"""A bucket that keeps objects in memory and believes only requests that are rightly signed.

The signature is worked out anew from the bytes of the request, as Amazon documents version 4.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, quote

from aiohttp import web
from aiohttp.test_utils import TestServer

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class S3StandIn:
    def __init__(self, *, bucket: str, region: str, access_key: str, secret_key: str) -> None:
        self.bucket, self.region = bucket, region
        self.access_key, self.secret_key = access_key, secret_key
        self.objects: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.answers_with = 0  # a status, where it is out of order

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.answers_with:
            return web.Response(status=self.answers_with)
        if not self._is_signed(request, body):
            return _problem(403, "SignatureDoesNotMatch")
        bucket, _, key = request.path.lstrip("/").partition("/")
        if bucket != self.bucket:
            return _problem(404, "NoSuchBucket")
        return self._answer(request, key, body)

    def _answer(self, request: web.Request, key: str, body: bytes) -> web.Response:
        if request.method == "PUT":
            self.objects[key] = body
            self.kinds[key] = request.headers.get("Content-Type", "")
            return web.Response(headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})
        if request.method == "POST" and "delete" in request.query:
            names = re.findall(r"<Key>([^<]+)</Key>", body.decode())
            for name in names:
                self.objects.pop(name, None)
            gone = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            xml = f"<DeleteResult>{gone}</DeleteResult>"
            return web.Response(text=xml, content_type="application/xml")
        if key not in self.objects:
            return _problem(404, "NoSuchKey")
        etag = hashlib.md5(self.objects[key]).hexdigest()
        headers = {"ETag": f'"{etag}"', "Last-Modified": "Mon, 01 Jun 2026 12:00:00 GMT"}
        return web.Response(body=self.objects[key], headers=headers)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        found = SIGNED.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            return False
        access_key, day, region, names, signature = found.groups()
        digest = request.headers["x-amz-content-sha256"]
        at = request.headers["x-amz-date"]
        if (access_key, region) != (self.access_key, self.region) or not at.startswith(day):
            return False
        if digest not in (hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"):
            return False
        asked = parse_qsl(request.query_string, keep_blank_values=True)
        query = "&".join(f"{quote(k, '~')}={quote(v, '~')}" for k, v in sorted(asked))
        headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names.split(";"))
        path = request.raw_path.partition("?")[0]
        whole = "\n".join([request.method, path, query, headers, names, digest])
        scope = f"{day}/{region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, region, "s3", "aws4_request", to_sign):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(key.hex(), signature)


def _problem(status: int, code: str) -> web.Response:
    xml = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return web.Response(status=status, text=xml, content_type="application/xml")


@asynccontextmanager
async def serving(stand_in: S3StandIn) -> AsyncIterator[str]:
    """The address it is reached by."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", stand_in.handle)
    server = TestServer(app)
    await server.start_server()
    yield f"http://{server.host}:{server.port}"
    await server.close()
