"""Are PayPal's webhooks genuine? Asked of its certificate, which is fetched beforehand."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commerce.kernel import clock
from commerce.kernel.clock import DAY, MINUTE, SECOND
from commerce.kernel.errors import Outage
from commerce.payments.gateways import json_calls
from commerce.payments.refusals import BadSignature

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import Certificate

HEADER = "PAYPAL-TRANSMISSION-SIG"
ALGORITHM = "SHA256withRSA"
NEEDED = ("TRANSMISSION-ID", "TRANSMISSION-TIME", "TRANSMISSION-SIG", "CERT-URL", "AUTH-ALGO")
PAYPAL = ".paypal.com"
SANDBOX = ".sandbox.paypal.com"
HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
CERTIFICATES = re.compile(r"/v1/notifications/certs/[A-Za-z0-9._-]{1,200}")
CERTIFICATE_BYTES_MAX = 64 * 1024
KEPT_MAX = 8  # PayPal uses one at a time
# PayPal repeats a webhook for three days under the time of its first sending. That it counts once
# is up to its event id.
OLDEST = 3 * DAY + 15 * MINUTE
FUTURE = 5 * MINUTE


class Webhooks:
    """Verifies for one webhook id, with certificates of one PayPal: live, sandbox or a stand-in."""

    def __init__(self, *, webhook_id: str, api_base: str, timeout_seconds: float) -> None:
        self._webhook_id = webhook_id
        self._api_base = urlsplit(api_base)
        self._timeout_seconds = timeout_seconds
        self._certificates: dict[str, Certificate] = {}
        self._fetching = asyncio.Lock()

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return json_calls.client(timeout_seconds=self._timeout_seconds)

    async def aclose(self) -> None:
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def prepare(self, headers: Mapping[str, str]) -> None:
        """Fetch the certificate that the headers name, if it is one of PayPal's and not known."""
        url = headers.get("PAYPAL-CERT-URL", "")
        if url in self._certificates or not self._is_paypals(url):
            return
        async with self._fetching:  # one at a time, whatever strangers send
            if url not in self._certificates:
                await self._fetch(url)

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises BadSignature."""
        given = {name: headers.get(f"PAYPAL-{name}", "") for name in NEEDED}
        if not all(given.values()):
            raise BadSignature(reason="missing")
        if given["AUTH-ALGO"] != ALGORITHM:
            raise BadSignature(reason="algorithm")
        if not self._is_paypals(given["CERT-URL"]):
            raise BadSignature(reason="foreign_certificate")
        _check_time(given["TRANSMISSION-TIME"])
        certificate = self._certificates.get(given["CERT-URL"])
        if certificate is None:
            raise BadSignature(reason="no_certificate")
        signed = "|".join(
            [
                given["TRANSMISSION-ID"],
                given["TRANSMISSION-TIME"],
                self._webhook_id,
                str(zlib.crc32(body)),
            ]
        )
        _check(_key_of(certificate), signed, given["TRANSMISSION-SIG"])

    def _is_paypals(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if not CERTIFICATES.fullmatch(parts.path) or parts.query or parts.fragment:
            return False
        ours = self._api_base
        if not (ours.hostname or "").endswith(PAYPAL):  # a stand-in has its own
            return (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
        host = parts.netloc  # as it is: with a port or a password it is no host of PayPal's
        same_side = host.endswith(SANDBOX) == str(ours.hostname).endswith(SANDBOX)
        known = HOST.fullmatch(host) is not None and host.endswith(PAYPAL)
        return parts.scheme == "https" and known and same_side

    async def _fetch(self, url: str) -> None:
        """What is no certificate is none: the webhook is refused, and asks for it again."""
        import httpx

        try:
            response = await self._client.get(url)
        except httpx.HTTPError as problem:
            raise Outage(f"paypal: no certificate: {type(problem).__name__}") from problem
        if response.status_code >= 500 or response.status_code == 429:
            raise Outage(f"paypal: no certificate: {response.status_code}")
        certificate = _parsed(response.content) if response.status_code == 200 else None
        if certificate is None:
            return
        if len(self._certificates) >= KEPT_MAX:
            self._certificates.pop(next(iter(self._certificates)))
        self._certificates[url] = certificate


def _parsed(pem: bytes) -> Certificate | None:
    from cryptography import x509

    if len(pem) > CERTIFICATE_BYTES_MAX:
        return None
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None


def _check_time(stamp: str) -> None:
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        raise BadSignature(reason="malformed") from None
    if at.tzinfo is None:
        raise BadSignature(reason="malformed")
    age = clock.now() - int(at.timestamp()) * SECOND
    if not -FUTURE <= age <= OLDEST:
        raise BadSignature(reason="too_old")


def _key_of(certificate: Certificate) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    now = datetime.fromtimestamp(clock.now() // SECOND, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise BadSignature(reason="certificate_ended")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise BadSignature(reason="algorithm")
    return key


def _check(key: RSAPublicKey, signed: str, signature: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, signed.encode(), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError):
        raise BadSignature(reason="malformed") from None
    except InvalidSignature:
        raise BadSignature(reason="wrong") from None
