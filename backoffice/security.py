"""How a browser is known and its forms are believed: cookies, CSRF token, origin, way back."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlsplit

from aiohttp import web

HOME = "/backoffice"
OWN_PATH = re.compile(r"/backoffice(/[A-Za-z0-9_~.-]+)*/?(\?[A-Za-z0-9_=&~.-]*)?")


class Cookies:
    """The session's cookie, and the one that ties a sign-in form to the browser it was made for."""

    def __init__(self, *, secure: bool) -> None:
        self.secure = secure
        prefix = "__Host-" if secure else ""  # browsers refuse the prefix without https
        self.session = f"{prefix}livetill_staff"
        self.visit = f"{prefix}livetill_visit"

    def put(self, response: web.StreamResponse, name: str, value: str) -> None:
        response.set_cookie(
            name, value, path="/", httponly=True, secure=self.secure, samesite="Lax"
        )

    def drop(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(name, path="/", httponly=True, secure=self.secure, samesite="Lax")


def csrf_token(secret_key: str, cookie: str) -> str:
    """Bound to the session: worthless in another browser and after the next sign-in."""
    key = f"backoffice csrf:{secret_key}".encode()
    return hmac.new(key, cookie.encode(), hashlib.sha256).hexdigest()


def same_token(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def from_own_page(request: web.Request, public_url: str) -> bool:
    """Whether the browser says a form came from us; one that says nothing is left to the token."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin in (_origin(public_url), f"{request.scheme}://{request.host}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def way_back(path: str) -> str:
    """The page asked for before signing in, if it is one of ours; never another site."""
    inside = OWN_PATH.fullmatch(path) and ".." not in path and "sign-" not in path
    return path if inside else HOME
