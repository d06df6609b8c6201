"""Timestamped HMAC-SHA256 webhook signatures, as Stripe writes them: `t=seconds,v1=hex`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from commerce.kernel.clock import SECOND
from commerce.payments.refusals import BadSignature

TOLERANCE_SECONDS = 300


def sign(body: bytes, secret: str, *, at: int) -> str:
    seconds = at // SECOND
    return f"t={seconds},v1={_digest(body, secret, str(seconds))}"


def verify(header: str | None, body: bytes, secrets: Sequence[str], *, now: int) -> None:
    """Raises BadSignature. Several secrets are accepted at once, so that one can be replaced."""
    if not header:
        raise BadSignature(reason="missing")
    stamp, given = _parse(header)
    if abs(now // SECOND - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature(reason="too_old")
    wanted = [_digest(body, secret, stamp) for secret in secrets if secret]
    # Every pair is compared, each in constant time, so that time tells nothing about which failed.
    matches = [hmac.compare_digest(want, have) for want in wanted for have in given]
    if not any(matches):
        raise BadSignature(reason="wrong")


def _parse(header: str) -> tuple[str, list[str]]:
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1" and value.isascii()]
    well_formed = len(stamps) == 1 and stamps[0].isascii() and stamps[0].isdigit()
    if not well_formed or len(stamps[0]) > 12 or not given:
        raise BadSignature(reason="malformed")
    return stamps[0], given


def _digest(body: bytes, secret: str, stamp: str) -> str:
    signed = stamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
