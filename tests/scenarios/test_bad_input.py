"""What should not come in: forged, broken or huge webhooks, and fans' most unfortunate words."""

from __future__ import annotations

import json
import re
from io import BytesIO
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession

from commerce import inventory
from commerce.kernel.database import connect
from commerce.kernel.tables import INBOX
from commerce.payments.tables import EVENTS
from tests.channels import stand_ins
from tests.channels.stand_ins import PUBLIC_URL, SECRET
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import META, TELEGRAM, TWILIO, Heard, TelegramFan
from tests.scenarios.running import Till

MARK = "this-must-leave-no-trace"
UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 42, "type": "private"},
        "from": {"id": 42, "is_bot": False, "first_name": MARK},
        "text": MARK,
    },
}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TELEGRAM_PATH = "/webhooks/telegram/platform"
WHATSAPP_PATH = "/webhooks/whatsapp/platform"
TWILIO_PATH = "/webhooks/twilio/platform"
GENUINE = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={stand_ins.hmac_sha256(SECRET, body)}"}


UPDATE_BODY = json.dumps(UPDATE).encode()
DEEP = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
HUGE = b'{"a":"' + b"x" * 3_250_000 + b'"}'
FORM_BODY = urlencode({"MessageSid": "SM1", "From": "whatsapp:+1", "Body": MARK}).encode()
REFUSED: list[tuple[str, str, bytes, dict[str, str], set[int]]] = [
    (TELEGRAM_PATH, JSON, UPDATE_BODY, {}, {401}),
    (TELEGRAM_PATH, JSON, UPDATE_BODY, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}, {401}),
    (TELEGRAM_PATH, JSON, b'{"update_id":', GENUINE, {400}),
    (TELEGRAM_PATH, JSON, b"[1]", GENUINE, {400}),
    (TELEGRAM_PATH, JSON, b"\xff\xfe", GENUINE, {400}),
    (TELEGRAM_PATH, JSON, DEEP, GENUINE, {400}),
    (TELEGRAM_PATH, JSON, HUGE, GENUINE, {413}),
    (TELEGRAM_PATH, "text/plain", UPDATE_BODY, GENUINE, {415}),
    ("/webhooks/telegram/nobody", JSON, UPDATE_BODY, GENUINE, {404}),
    (WHATSAPP_PATH, JSON, UPDATE_BODY, {}, {403}),
    (WHATSAPP_PATH, JSON, UPDATE_BODY, {"X-Hub-Signature-256": "sha256=" + "0" * 64}, {403}),
    (WHATSAPP_PATH, JSON, b"{", signed(b"{"), {400}),
    (WHATSAPP_PATH, JSON, DEEP, signed(DEEP), {400}),
    (WHATSAPP_PATH, JSON, HUGE, signed(HUGE), {413}),
    (WHATSAPP_PATH, "text/plain", UPDATE_BODY, signed(UPDATE_BODY), {415}),
    ("/webhooks/whatsapp/nobody", JSON, UPDATE_BODY, signed(UPDATE_BODY), {404}),
    (TWILIO_PATH, FORM, FORM_BODY, {}, {403}),
    (TWILIO_PATH, FORM, FORM_BODY, {"X-Twilio-Signature": "Z3Vlc3NlZA=="}, {403}),
    (TWILIO_PATH, JSON, UPDATE_BODY, {}, {415}),
    (TWILIO_PATH, FORM, HUGE, {}, {413}),
    ("/webhooks/twilio/nobody", FORM, FORM_BODY, {}, {404}),
    ("/webhooks/stripe", JSON, UPDATE_BODY, {}, {401}),
    ("/webhooks/stripe", JSON, UPDATE_BODY, {"Stripe-Signature": "t=1,v1=00"}, {401}),
    ("/webhooks/stripe", JSON, HUGE, {}, {413}),
    ("/webhooks/sandbox", JSON, UPDATE_BODY, {}, {401}),
    ("/webhooks/sandbox", JSON, DEEP, {}, {400, 401}),
]


async def test_what_is_forged_or_broken_is_refused_and_leaves_no_trace(
    start_till: StartTill,
) -> None:
    stripe = {"stripe_secret_key": "sk_test_x", "stripe_webhook_secret": "whsec_x"}
    till = await start_till(**{**TELEGRAM, **META, **TWILIO, **stripe})
    async with ClientSession() as http:
        for path, content_type, body, headers, expected in REFUSED:
            sent = {"Content-Type": content_type, **headers}
            async with http.post(till.url + path, data=BytesIO(body), headers=sent) as answer:
                assert answer.status in expected, (path, content_type, body[:40], headers)
        async with http.get(f"{till.url}/metrics") as shown:
            counted = await shown.text()

    assert await till.rows(INBOX) == []
    assert await till.rows(EVENTS) == []
    assert MARK not in till.log
    assert "Traceback" not in till.log
    refusals = re.findall(r"livetill_webhook_rejected_total\{.*\} (\d+)", counted)
    unknown = [path for path, *_ in REFUSED if path.endswith("nobody")]
    assert sum(map(int, refusals)) == len(REFUSED) - len(unknown)
    assert 'livetill_waiting_for_person{what="messages_parked"} 0.0' in counted


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_card_number_is_masked_before_it_is_stored(start_till: StartTill) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fan = TelegramFan(telegram, till, http)

        await fan.says("my card is 4242 4242-4242 4242, and 5555555555554444")
        warned = await fan.hears("never send a card number")
        await fan.taps("4242424242424242")
        await fan.says("help")
        await fan.hears("I sell what the stream shows")

        assert "4242" not in warned.text
        for trace in (till.stored(), till.log.encode()):
            for number in (b"4242424242424242", b"4242 4242-4242 4242", b"5555555555554444"):
                assert number not in trace


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_odd_answers_get_a_question_that_helps(start_till: StartTill) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fan = TelegramFan(telegram, till, http)

        await fan.says("/start friday-night-drop")
        await fan.hears("Which one")
        await fan.says("🎉" * 5000)
        await fan.hears("I did not find that one")
        await fan.says("M")
        await fan.hears("Which country")
        await fan.says("Atlantis")
        await fan.hears("I do not know that country")
        await fan.says("Germany")
        await fan.hears("full name")
        await fan.says("🎉" * 5000)
        await fan.hears("too long for the name")
        await fan.says("<script>alert(1)</script>")
        seen = await fan.hears("")
        if "street" not in seen.text:
            await fan.says("Ada Windell")
            await fan.hears("street")
        await fan.says("Torstraße 12")
        await fan.hears("town")
        await fan.says("Berlin")
        await fan.hears("postcode")
        await fan.says("1011")
        await fan.hears("not a postcode in Germany")
        await fan.says("10119")
        await fan.hears("Your order:")
        assert "Traceback" not in till.log


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_sold_out_between_two_messages_is_said_and_nothing_is_held(
    start_till: StartTill,
) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fan = TelegramFan(telegram, till, http)
        await fan.says("/start friday-night-drop")
        offer = await fan.hears("Which one")

        await sell_out(till, "HOODIE-M")
        await fan.taps(offer.buttons["M"])

        await fan.hears("sold out a moment ago")
        assert await till.is_sound()


async def sell_out(till: Till, sku: str) -> None:
    """Somebody else holds all that is left."""
    database = await connect(till.database_url)
    holds = inventory.Holds(database)
    try:
        left = (await database.read(lambda tx: inventory.available(tx, [sku])))[sku]
        await holds.hold(
            key="all", sku=sku, quantity=left, owner="another", reference="all", seconds=600
        )
    finally:
        await holds.close()
        await database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_pay_link_that_is_over_charges_nothing_and_frees_the_piece(
    start_till: StartTill,
) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fan = TelegramFan(telegram, till, http)
        page = till.url + (await has_a_link(fan)).link.removeprefix(PUBLIC_URL)

        await fan.says("cancel")
        await fan.hears("is cancelled")

        async with http.get(page) as shown:
            assert "This payment link has expired" in await shown.text()
        async with http.post(page, data={"button": "approve"}) as pressed:
            assert "This payment link has expired" in await pressed.text()
        [(_, status)] = await till.orders()
        assert status == "cancelled"
        assert await till.is_sound()


async def has_a_link(fan: TelegramFan) -> Heard:
    await fan.says("/start friday-night-drop")
    await fan.hears("Which one")
    for answer in ("M", "Germany", "Ada Windell", "Torstraße 12", "Berlin", "10119"):
        await fan.says(answer)
    await fan.hears("Your order:")
    await fan.says("I agree")
    return await fan.hears("Here is the pay link")
