"""Which payment providers there are: those that have settings."""

from __future__ import annotations

from commerce import payments
from commerce.kernel.database import Database
from commerce.payments.gateways.cash import CashGateway
from commerce.payments.gateways.paypal import PayPalGateway
from commerce.payments.gateways.razorpay import RazorpayGateway
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.stripe import StripeGateway
from deploy.settings import Environment, Settings


def gateways(settings: Settings, database: Database) -> payments.Gateways:
    """The provider in use, and those that may still hold money of earlier orders."""
    found: dict[str, payments.Gateway] = {
        "cash": CashGateway(database, amount_max_minor=settings.cash_amount_max_minor)
    }
    return_url = f"{settings.url}/pay/return"
    if settings.environment is Environment.DEVELOPMENT:
        found["sandbox"] = SandboxGateway(
            database,
            public_url=settings.url,
            secrets=[sandbox_secret(settings)],
            return_url=return_url,
        )
    if settings.stripe_secret_key.get_secret_value():
        found["stripe"] = StripeGateway(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            webhook_secrets=settings.stripe_webhook_secret.get_secret_value().split(","),
            return_url=return_url,
            api_base=settings.stripe_api_base,
        )
    if settings.razorpay_key_id:
        found["razorpay"] = RazorpayGateway(
            key_id=settings.razorpay_key_id,
            key_secret=settings.razorpay_key_secret.get_secret_value(),
            webhook_secrets=settings.razorpay_webhook_secret.get_secret_value().split(","),
            public_url=settings.url,
            return_url=return_url,
            api_base=settings.razorpay_api_base,
        )
    if settings.paypal_client_id:
        found["paypal"] = PayPalGateway(
            client_id=settings.paypal_client_id,
            client_secret=settings.paypal_client_secret.get_secret_value(),
            webhook_id=settings.paypal_webhook_id,
            return_url=return_url,
            api_base=settings.paypal_api_base,
        )
    return found


def sandbox_secret(settings: Settings) -> str:
    return f"sandbox:{settings.secret_key.get_secret_value()}"
