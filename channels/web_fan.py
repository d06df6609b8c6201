"""Who a browser is: a random fan id in a signed cookie, and the pages allowed to speak for it."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from commerce.kernel import ids

COOKIE = "fan"
COOKIE_SECONDS = 400 * 24 * 3600  # browsers keep no cookie longer
_SHAPE = re.compile(r"([A-Za-z0-9_-]{16,64})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Fan:
    id: str
    known: bool  # False: made just now, the cookie has to be set

    @property
    def short(self) -> str:
        """What the public chat calls a fan who gave no name; tells nothing of the id itself."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:4].upper()


class Fans:
    """Makes and checks the cookie. What is not signed by us is nobody we know."""

    def __init__(self, secret_key: str, public_url: str) -> None:
        self._key = hashlib.sha256(b"livetill fan cookie\0" + secret_key.encode()).digest()
        address = urlsplit(public_url)
        self._secure = address.scheme == "https"
        self._hosts = {address.netloc}

    def of(self, request: web.Request) -> Fan:
        found = _SHAPE.fullmatch(request.cookies.get(COOKIE, ""))
        if found and hmac.compare_digest(self._signature(found[1]), found[2]):
            return Fan(found[1], known=True)
        return Fan(ids.token(), known=False)

    def remember(self, response: web.StreamResponse, fan: Fan) -> None:
        """Set or prolong the cookie."""
        response.set_cookie(
            COOKIE,
            f"{fan.id}.{self._signature(fan.id)}",
            max_age=COOKIE_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._secure,
        )

    def is_own_page(self, request: web.Request) -> bool:
        """A foreign page must not open a socket with the fan's cookie; programs send no Origin."""
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc in self._hosts | {request.host}

    def _signature(self, fan_id: str) -> str:
        return hmac.new(self._key, fan_id.encode(), hashlib.sha256).hexdigest()
