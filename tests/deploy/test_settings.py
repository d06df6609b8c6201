"""A wrong or missing setting is told in one line that names it, and never shows a secret."""

from __future__ import annotations

import os

import pytest

from deploy import settings
from deploy.settings import DEVELOPMENT_SECRET, Environment, SettingsWrong

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "PUBLIC_URL": "https://shop.example",
    "SECRET_KEY": SECRET,
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": f"sk_live_{SECRET}",
    "STRIPE_WEBHOOK_SECRET": f"whsec_{SECRET}",
}
WHATSAPP = {
    "WHATSAPP_TOKEN": SECRET,
    "WHATSAPP_PHONE_NUMBER_ID": "1",
    "WHATSAPP_APP_SECRET": SECRET,
    "WHATSAPP_VERIFY_TOKEN": SECRET,
}
RAZORPAY = {
    "RAZORPAY_KEY_ID": "rzp_1",
    "RAZORPAY_KEY_SECRET": SECRET,
    "RAZORPAY_WEBHOOK_SECRET": SECRET,
}
PAYPAL = {
    "PAYPAL_CLIENT_ID": "id",
    "PAYPAL_CLIENT_SECRET": SECRET,
    "PAYPAL_WEBHOOK_ID": "WH1",
}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": SECRET, "TWILIO_FROM": "+15550100"}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.upper().startswith("LIVETILL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def read(monkeypatch):
    def read_with(**given):
        for name, value in given.items():
            monkeypatch.setenv(f"LIVETILL_{name}", value)
        return settings.read()

    return read_with


def without(given, *names):
    return {name: value for name, value in given.items() if name not in names}


WRONG = [
    ({"ENVIRONMENT": "staging"}, "ENVIRONMENT"),
    ({"PORT": "eighty"}, "PORT"),
    ({"PORT": "-1"}, "PORT"),
    ({"PORT": "65536"}, "PORT"),
    ({"HOLD_SECONDS": "29"}, "HOLD_SECONDS"),
    ({"HOLD_SECONDS": "86401"}, "HOLD_SECONDS"),
    ({"SEED_DEMO": "perhaps"}, "SEED_DEMO"),
    ({"DATABASE_URL": "mysql://u@host/name"}, "DATABASE_URL"),
    ({"DATABASE_URL": "livetill.db"}, "DATABASE_URL"),
    ({"DATABASE_URL": "sqlite://livetill.db"}, "DATABASE_URL"),
    ({"PUBLIC_URL": "shop.example"}, "PUBLIC_URL"),
    ({"PUBLIC_URL": "ftp://shop.example"}, "PUBLIC_URL"),
    ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
    ({"PAYMENT_PROVIDER": "barter"}, "PAYMENT_PROVIDER"),
    ({"PAYMENT_CAPTURE": "later"}, "PAYMENT_CAPTURE"),
    ({"CASH_AMOUNT_MAX_MINOR": "-1"}, "CASH_AMOUNT_MAX_MINOR"),
    ({"PAYMENT_PROVIDER": "razorpay"}, "RAZORPAY_KEY_ID"),
    ({"PAYMENT_PROVIDER": "paypal"}, "PAYPAL_CLIENT_ID"),
    *[(without(RAZORPAY, name), name) for name in RAZORPAY if name != "RAZORPAY_KEY_ID"],
    *[(without(PAYPAL, name), name) for name in PAYPAL if name != "PAYPAL_CLIENT_ID"],
    ({"PAYMENT_PROVIDER": "stripe"}, "STRIPE_SECRET_KEY"),
    ({"STRIPE_SECRET_KEY": SECRET}, "STRIPE_WEBHOOK_SECRET"),
    ({"TELEGRAM_TOKEN": SECRET}, "TELEGRAM_WEBHOOK_SECRET"),
    *[(without(WHATSAPP, name), name) for name in WHATSAPP if name != "WHATSAPP_TOKEN"],
    *[(without(TWILIO, name), name) for name in TWILIO if name != "TWILIO_ACCOUNT_SID"],
    (without(PRODUCTION, "SECRET_KEY"), "SECRET_KEY"),
    (PRODUCTION | {"SECRET_KEY": DEVELOPMENT_SECRET}, "SECRET_KEY"),
    (PRODUCTION | {"SECRET_KEY": "s" * 31}, "SECRET_KEY"),
    (without(PRODUCTION, "PUBLIC_URL"), "PUBLIC_URL"),
    (PRODUCTION | {"PUBLIC_URL": "http://shop.example"}, "PUBLIC_URL"),
    (PRODUCTION | {"SEED_DEMO": "true"}, "SEED_DEMO"),
    (PRODUCTION | {"PAYMENT_PROVIDER": "sandbox"}, "PAYMENT_PROVIDER"),
    (without(PRODUCTION, "STRIPE_SECRET_KEY"), "STRIPE_SECRET_KEY"),
]


@pytest.mark.parametrize(("given", "named"), WRONG)
def test_what_is_wrong_is_named_in_one_line(read, given, named):
    with pytest.raises(SettingsWrong) as wrong:
        read(**given)

    message = str(wrong.value)
    assert message.startswith(f"LIVETILL_{named}")
    assert "\n" not in message
    assert SECRET not in message
    assert len(message) < 160


def test_nothing_has_to_be_set_on_ones_own_machine(read):
    found = read()

    assert found.environment is Environment.DEVELOPMENT
    assert found.database_url == "sqlite:///var/livetill.db"
    assert (found.url, found.payment_provider) == ("http://127.0.0.1:8000", "sandbox")
    assert found.seed_demo is False


def test_everything_that_production_needs_is_enough(read):
    found = read(**PRODUCTION, **WHATSAPP, **TWILIO)

    assert found.environment is Environment.PRODUCTION
    assert found.url == "https://shop.example"


def test_secrets_are_not_shown_by_accident(read):
    found = read(**PRODUCTION, **WHATSAPP, **TWILIO)

    assert SECRET not in repr(found)
    assert found.secret_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://u@host/name", "postgresql://u@host/name"),
        ("postgresql://u@host/name", "postgresql://u@host/name"),
        ("sqlite:////abs/livetill.db", "sqlite:////abs/livetill.db"),
    ],
)
def test_addresses_of_databases(read, given, kept):
    assert read(DATABASE_URL=given).database_url == kept


def test_an_address_needs_no_slash_at_its_end(read):
    assert read(PUBLIC_URL="https://shop.example/").url == "https://shop.example"


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("0.0.0.0", "http://127.0.0.1:9000"),
        ("::", "http://127.0.0.1:9000"),
        ("10.0.0.5", "http://10.0.0.5:9000"),
    ],
)
def test_where_the_process_reaches_itself(read, host, own):
    assert read(HOST=host, PORT="9000", PUBLIC_URL="https://shop.example").own_url == own


def test_an_empty_setting_is_no_setting(read):
    assert read(PORT="", SECRET_KEY="", TELEGRAM_TOKEN="").port == 8000


def test_a_file_in_the_folder_is_read_and_the_environment_goes_before_it(read, tmp_path):
    (tmp_path / ".env").write_text("LIVETILL_PORT=9001\nLIVETILL_HOST=10.0.0.5\nOTHER=1\n")

    assert (read().port, read().host) == (9001, "10.0.0.5")
    assert read(PORT="9002").port == 9002


def test_settings_do_not_change_once_read(read):
    with pytest.raises(ValueError, match="frozen"):
        read().port = 1
