from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.kernel.clock import SECOND
from commerce.payments import BadSignature
from commerce.payments.gateways import signatures

NOW = 1_780_315_200 * SECOND
BODY = b'{"id":"evt_1"}'
HEADER = signatures.sign(BODY, "secret", at=NOW)
DIGEST = HEADER.partition("v1=")[2]


def refused(header: str | None, body: bytes = BODY, now: int = NOW) -> str:
    with pytest.raises(BadSignature) as refusal:
        signatures.verify(header, body, ["secret"], now=now)
    return str(refusal.value.facts["reason"])


def test_what_we_sign_stripes_own_sdk_accepts() -> None:
    import stripe

    assert stripe.WebhookSignature.verify_header(BODY.decode(), HEADER, "secret")


def test_what_stripes_own_sdk_signs_we_accept() -> None:
    import stripe

    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), "secret")
    at = int(header.split(",")[0].removeprefix("t=")) * SECOND
    signatures.verify(header, BODY, ["secret"], now=at)


def test_one_of_several_signatures_and_one_of_several_secrets_is_enough() -> None:
    header = HEADER.replace("v1=", f"v1={'0' * 64},v1=") + ",v0=abc"

    signatures.verify(header, BODY, ["new secret", "secret"], now=NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_signature_within_five_minutes_counts(seconds: int) -> None:
    signatures.verify(HEADER, BODY, ["secret"], now=NOW + seconds * SECOND)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_from_another_time_is_refused(seconds: int) -> None:
    assert refused(HEADER, now=NOW + seconds * SECOND) == "too_old"


@pytest.mark.parametrize(
    ("_case", "header", "reason"),
    [
        ("none", None, "missing"),
        ("empty", "", "missing"),
        ("noise", "hello", "malformed"),
        ("no time", f"v1={DIGEST}", "malformed"),
        ("two times", f"t=1,{HEADER}", "malformed"),
        ("no signature", "t=1780315200", "malformed"),
        ("a time that is none", HEADER.replace("t=", "t=x"), "malformed"),
        ("a time in other digits", f"t=١٧٨٠,v1={DIGEST}", "malformed"),
        ("a very long time", f"t={'9' * 5000},v1={DIGEST}", "malformed"),
        ("another scheme only", f"t=1780315200,v0={DIGEST}", "malformed"),
        ("another letter case", HEADER.upper().replace("T=", "t=").replace("V1", "v1"), "wrong"),
    ],
)
def test_a_malformed_header_is_refused(_case: str, header: str | None, reason: str) -> None:
    assert refused(header) == reason


def test_an_empty_secret_admits_nobody() -> None:
    header = signatures.sign(BODY, "", at=NOW)

    with pytest.raises(BadSignature):
        signatures.verify(header, BODY, [""], now=NOW)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_one_altered_byte_of_the_body_is_refused(place: int, byte: int) -> None:
    altered = BODY[:place] + bytes([byte]) + BODY[place + 1 :]

    if altered != BODY:
        assert refused(HEADER, altered) == "wrong"


@settings(max_examples=300, deadline=None)
@given(header=st.text(max_size=120))
def test_no_header_crashes_the_check(header: str) -> None:
    refused(header)
