"""A fan on Telegram buys, by updates as python-telegram-bot builds them, late taps among them."""

from __future__ import annotations

from aiohttp import ClientSession
from telegram import Update

from tests.channels import stand_ins
from tests.scenarios import paying
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TELEGRAM, TelegramFan

ADDRESS = {"street": "12 Main Street", "town": "Springfield", "ZIP": "62701"}


async def test_a_fan_enters_by_deep_link_and_buys(start_till: StartTill) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fan = TelegramFan(telegram, till, http)

        entry = await fan.says("/start friday-night-drop")
        offer = await fan.hears("Which one")
        assert offer.picture == "https://till.example/media/hoodie.webp"
        assert await fan.post(entry.to_dict()) == 200  # Telegram did not see our first answer
        await fan.taps(offer.buttons["S"])
        countries = await fan.hears("is held for you")
        await fan.taps(offer.buttons["M"])  # pressed late, on the old message
        await fan.hears("belongs to an earlier step")
        edited = Update(entry.update_id + 900, edited_message=fan.message("cancel"))
        assert await fan.post(edited.to_dict()) == 200
        await fan.taps(countries.buttons["United States"])
        name = await fan.hears("full name")
        await fan.taps(name.buttons["Ada Windell"])
        summary = await fan.answers(ADDRESS, "Your order:")
        agree = summary.buttons["I agree and pay"]
        await fan.taps(agree)
        await fan.taps(agree)  # twice, in a hurry
        link = (await fan.hears("Here is the pay link")).link
        await paying.press(http, till, link)
        receipt = await fan.hears("This is your receipt")

        [(code, status)] = await till.orders()
        assert status == "paid"
        assert code in receipt.text
        assert sum("This is your receipt" in heard.text for heard in fan.so_far()) == 1
        assert len(fan.acknowledged) >= 5
        assert await till.is_sound()


async def test_two_fans_of_one_bot_never_see_each_other(start_till: StartTill) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        ada = TelegramFan(telegram, till, http)
        ben = TelegramFan(telegram, till, http, chat=43)
        ada.arrived = ben.arrived  # one stand-in gets the messages of both

        for fan in (ada, ben):
            await fan.says("/start friday-night-drop")
            await ada.hears("Which one")
        await ben.says("status")
        await ada.says("M")

        await ada.hears("is held for you")
        told = {
            body["chat_id"]: body.get("text", "")
            for path, body in telegram.calls
            if "is held" in body.get("text", "")
        }
        assert list(told) == ["42"]
