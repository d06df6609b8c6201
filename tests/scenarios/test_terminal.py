"""`livetill chat` as a fan at a keyboard, and what wrong settings are told."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.scenarios import paying
from tests.scenarios.conftest import StartTill
from tests.scenarios.running import LIVETILL, PATIENCE_SECONDS, SESSION, Till, command, environment

ORDER = ["M", "Germany", "Ada Windell", "Torstraße 12", "Berlin", "10119", "I agree and pay"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_whole_purchase_by_standard_input_and_output(start_till: StartTill) -> None:
    till = await start_till()

    code, said = await till.command("chat", SESSION, given="\n".join([*ORDER, ""]))
    assert code == 0, said
    link = re.search(r"http://\S+/pay/\S+", said)
    assert link is not None, said
    async with ClientSession() as http:
        await paying.press(http, till, link[0])
    code, said = await till.command("chat", SESSION, given="status\n")

    [(order, status)] = await till.orders()
    assert status == "paid"
    assert f"{order}: Harbour Hoodie" in said
    assert "Paid, thank you. This is your receipt." in said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_chat_without_a_room_says_why_in_one_line_and_waits_for_no_key(
    start_till: StartTill,
) -> None:
    till = await start_till()

    assert await till.command("chat", "nowhere") == (1, "livetill: there is no such live session\n")
    assert await asyncio.to_thread(_chat_with_a_silent_keyboard, till) == 1


def _chat_with_a_silent_keyboard(till: Till) -> int:
    chat = subprocess.Popen(
        [LIVETILL, "chat", "nowhere"],
        cwd=till.folder,
        env=environment(**till.settings),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        return chat.wait(PATIENCE_SECONDS)
    finally:
        chat.kill()
        chat.communicate()


PRODUCTION = {
    "environment": "production",
    "secret_key": "k" * 32,
    "public_url": "https://till.example",
    "payment_provider": "stripe",
    "stripe_secret_key": "sk_test_x",
    "stripe_webhook_secret": "whsec_x",
}
WRONG = [
    ({"port": "http"}, "PORT"),
    ({"port": "70000"}, "PORT"),
    ({"environment": "staging"}, "ENVIRONMENT"),
    ({"database_url": "mysql://localhost/till"}, "DATABASE_URL"),
    ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "DATABASE_URL"),
    ({"database_url": "sqlite:////proc/none/till.db"}, "DATABASE_URL"),
    ({"public_url": "till.example"}, "PUBLIC_URL"),
    ({"redis_url": "localhost:6379"}, "REDIS_URL"),
    ({"hold_seconds": "5"}, "HOLD_SECONDS"),
    ({"payment_provider": "barter"}, "PAYMENT_PROVIDER"),
    ({"payment_provider": "stripe"}, "STRIPE_SECRET_KEY"),
    ({"stripe_secret_key": "sk_test_x"}, "STRIPE_WEBHOOK_SECRET"),
    ({"telegram_token": "123:abc"}, "TELEGRAM_WEBHOOK_SECRET"),
    ({"whatsapp_token": "EAAG"}, "WHATSAPP_PHONE_NUMBER_ID"),
    ({"whatsapp_token": "EAAG", "whatsapp_phone_number_id": "1"}, "WHATSAPP_APP_SECRET"),
    ({"twilio_account_sid": "AC1"}, "TWILIO_AUTH_TOKEN"),
    ({"twilio_account_sid": "AC1", "twilio_auth_token": "t"}, "TWILIO_FROM"),
    (PRODUCTION | {"secret_key": "short"}, "SECRET_KEY"),
    (PRODUCTION | {"public_url": "http://till.example"}, "PUBLIC_URL"),
    (PRODUCTION | {"payment_provider": "sandbox"}, "PAYMENT_PROVIDER"),
    (PRODUCTION | {"seed_demo": "true"}, "SEED_DEMO"),
]


@pytest.mark.parametrize(("settings", "named"), WRONG)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    code, said = command("run", folder=tmp_path, settings={"port": "0", **settings})

    assert code == 2, said
    assert said.startswith("livetill: ")
    assert said.count("\n") == 1
    assert f"LIVETILL_{named}" in said
