"""The settings, read once from the environment (prefix LIVETILL_) and from `.env`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LIVETILL_"
DEVELOPMENT_SECRET = "only-for-development-change-me-in-production"


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsWrong(Exception):
    """A setting is missing or cannot be; the message is one line that names it."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    environment: Environment = Environment.DEVELOPMENT
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = ""  # what fans and platforms reach us by; empty = http://HOST:PORT
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)  # signs cookies and sandbox webhooks
    database_url: str = "sqlite:///var/livetill.db"
    redis_url: str = ""
    kafka_bootstrap: str = ""
    media_dir: Path = Path("var/media")
    s3_bucket: str = ""  # with one, uploaded pictures are kept there and not on the disk
    s3_api_base: str = ""  # empty = Amazon's own, by the region
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    seed_demo: bool = False
    hold_seconds: int = Field(default=600, ge=30, le=86_400)
    payment_provider: str = "sandbox"
    payment_capture: Literal["automatic", "manual"] = "automatic"
    cash_amount_max_minor: int = Field(default=0, ge=0)  # of an order paid in cash; 0 = no limit

    telegram_token: SecretStr = SecretStr("")
    telegram_api_base: str = "https://api.telegram.org"
    telegram_webhook_secret: SecretStr = SecretStr("")
    telegram_provider_token: SecretStr = SecretStr("")

    whatsapp_token: SecretStr = SecretStr("")
    whatsapp_phone_number_id: str = ""
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_verify_token: SecretStr = SecretStr("")
    whatsapp_api_base: str = "https://graph.facebook.com/v23.0"

    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from: str = ""
    twilio_api_base: str = "https://api.twilio.com"

    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = "https://api.stripe.com"

    razorpay_key_id: str = ""
    razorpay_key_secret: SecretStr = SecretStr("")
    razorpay_webhook_secret: SecretStr = SecretStr("")  # two, with a comma, while it is replaced
    razorpay_api_base: str = "https://api.razorpay.com/v1"

    paypal_client_id: str = ""
    paypal_client_secret: SecretStr = SecretStr("")
    paypal_webhook_id: str = ""
    paypal_api_base: str = "https://api-m.paypal.com"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("must be sqlite:///path or postgresql://user@host/name")
        return url.replace("postgres://", "postgresql://", 1)

    @field_validator("public_url", "s3_api_base")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// on your own machine)")
        return url.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, url: str) -> str:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://")
        return url

    @field_validator("payment_provider")
    @classmethod
    def _known_provider(cls, name: str) -> str:
        if name not in PROVIDERS:
            raise ValueError(f"must be one of {', '.join(PROVIDERS)}")
        return name

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        for given, needed in REQUIRED_TOGETHER:
            if _filled(getattr(self, given)) and not _filled(getattr(self, needed)):
                raise ValueError(f"{_env(needed)} is missing; {_env(given)} needs it")
        needed = PROVIDERS[self.payment_provider]
        if needed and not _filled(getattr(self, needed)):
            raise ValueError(f"{_env(needed)} is missing; the provider is {self.payment_provider}")
        if self.environment is Environment.PRODUCTION:
            self._ready_for_production()
        return self

    def _ready_for_production(self) -> None:
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < 32:
            raise ValueError(f"{_env('secret_key')} must be at least 32 characters of your own")
        if not self.public_url.startswith("https://"):
            raise ValueError(f"{_env('public_url')} must be an https:// address in production")
        if self.seed_demo:
            raise ValueError(f"{_env('seed_demo')} is for development only")
        if self.payment_provider == "sandbox":
            raise ValueError(f"{_env('payment_provider')} must not be sandbox in production")

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def own_url(self) -> str:
        """Where this process reaches itself."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{host}:{self.port}"


# Each with the setting it cannot be without.
PROVIDERS = {
    "sandbox": "",
    "stripe": "stripe_secret_key",
    "razorpay": "razorpay_key_id",
    "paypal": "paypal_client_id",
    "cash": "",
}
REQUIRED_TOGETHER = (
    ("s3_bucket", "s3_access_key"),
    ("s3_bucket", "s3_secret_key"),
    ("telegram_token", "telegram_webhook_secret"),
    ("whatsapp_token", "whatsapp_phone_number_id"),
    ("whatsapp_token", "whatsapp_app_secret"),
    ("whatsapp_token", "whatsapp_verify_token"),
    ("twilio_account_sid", "twilio_auth_token"),
    ("twilio_account_sid", "twilio_from"),
    ("stripe_secret_key", "stripe_webhook_secret"),
    ("razorpay_key_id", "razorpay_key_secret"),
    ("razorpay_key_id", "razorpay_webhook_secret"),
    ("paypal_client_id", "paypal_client_secret"),
    ("paypal_client_id", "paypal_webhook_id"),
)


def read() -> Settings:
    """The settings, or SettingsWrong with one line that names the first wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        problem = str(first["msg"]).removeprefix("Value error, ")
        where = f"{_env(str(first['loc'][0]))}: " if first["loc"] else ""
        raise SettingsWrong(f"{where}{problem}") from None


def _env(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _filled(value: SecretStr | str) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
