"""The providers that have settings are there, each with what it was given."""

from __future__ import annotations

import pytest

from commerce.kernel.database import Database
from commerce.payments import BadSignature, Completing, Connected, Forwarding, Preparing
from deploy.gateways import gateways
from deploy.settings import Settings
from tests.contracts import razorpay_stand_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RAZORPAY = {
    "razorpay_key_id": "rzp_test",
    "razorpay_key_secret": "secret",
    "razorpay_webhook_secret": "the next one,the old one",
}
STRIPE = {"stripe_secret_key": "sk_test", "stripe_webhook_secret": "whsec"}
PAYPAL = {
    "paypal_client_id": "id",
    "paypal_client_secret": "secret",
    "paypal_webhook_id": "WH1",
}


def some(**given: str) -> Settings:
    return Settings(_env_file=None, **given)


async def test_there_is_a_gateway_for_whatever_has_settings(database: Database) -> None:
    assert set(gateways(some(), database)) == {"cash", "sandbox"}

    found = gateways(some(**RAZORPAY, **PAYPAL, **STRIPE), database)

    assert set(found) == {"cash", "sandbox", "stripe", "razorpay", "paypal"}
    assert {name for name, gateway in found.items() if gateway.name != name} == set()
    for role, names in (
        (Connected, {"stripe", "razorpay", "paypal"}),
        (Completing, {"razorpay", "paypal"}),
        (Preparing, {"paypal"}),
        (Forwarding, {"razorpay"}),
    ):
        assert {name for name, gateway in found.items() if isinstance(gateway, role)} == names


async def test_two_secrets_of_razorpay_are_believed_while_one_is_replaced(
    database: Database,
) -> None:
    gateway = gateways(some(**RAZORPAY), database)["razorpay"]
    body = b'{"event": "settlement.processed", "created_at": 1, "payload": {}}'

    for secret in ("the next one", "the old one"):
        signature = razorpay_stand_in.signature(body, secret)
        gateway.verify({"X-Razorpay-Signature": signature}, body)
    for secret in ("the next one,the old one", ""):
        signature = razorpay_stand_in.signature(body, secret)
        with pytest.raises(BadSignature):
            gateway.verify({"X-Razorpay-Signature": signature}, body)
