"""The certificate of a stand-in for PayPal, and signatures with its key."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from commerce.kernel import clock
from commerce.kernel.clock import SECOND

NAME = x509.Name(
    [x509.NameAttribute(x509.NameOID.COMMON_NAME, "messageverificationcerts.paypal.com")]
)


@lru_cache
def key(name: str = "PayPal") -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(name: str = "PayPal", *, days: int = 365) -> bytes:
    now = datetime.fromtimestamp(clock.now() // SECOND, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key(name).public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .sign(key(name), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def signature(
    transmission: str, time: str, webhook_id: str, body: bytes, *, name: str = "PayPal"
) -> str:
    signed = f"{transmission}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()
    raw = key(name).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(raw).decode()
