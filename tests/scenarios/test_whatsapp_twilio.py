"""A fan on WhatsApp buys through Twilio's raw webhooks, in Spanish, by numbers for buttons."""

from __future__ import annotations

from aiohttp import ClientSession

from tests.channels import stand_ins
from tests.scenarios import paying
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TWILIO, TwilioFan

ADDRESS = {
    "nombre": "Lucía Ibáñez",
    "calle": "Av. Insurgentes Sur 1602",
    "ciudad": "Ciudad de México",
    "código postal": "03940",
    "estado": "CDMX",
}


async def test_a_fan_buys_in_spanish_and_a_repeated_webhook_changes_nothing(
    start_till: StartTill,
) -> None:
    async with stand_ins.served(stand_ins.twilio()) as twilio, ClientSession() as http:
        till = await start_till(**TWILIO, twilio_api_base=twilio.url)
        fan = TwilioFan(twilio, till, http)

        await fan.says("español")
        await fan.says("start friday-night-drop")
        offer = await fan.hears("¿Cuál")
        size = await fan.says(offer.buttons["L"])
        countries = await fan.hears("Te reservo")
        assert await fan.post(size) == 200  # Twilio's one retry
        report = fan.form(MessageStatus="delivered", SmsStatus="delivered", EventType="DELIVERED")
        del report["Body"]
        assert await fan.post(report) == 200
        await fan.says(countries.buttons["México"])
        summary = await fan.answers(ADDRESS, "Total:")
        assert "Lucía Ibáñez" in summary.text
        await fan.says("acepto")
        link = (await fan.hears("/pay/")).link
        await paying.press(http, till, link, "decline")
        await fan.hears("no se ha cobrado nada")
        await paying.press(http, till, link)
        receipt = await fan.hears("recibo")

        [(code, status_now)] = await till.orders()
        assert status_now == "paid"
        assert code in receipt.text
        assert sum("Te reservo" in heard.text for heard in fan.so_far()) == 1
        assert {body["To"] for _, body in twilio.calls} == {"whatsapp:+5215551234567"}
        assert await till.is_sound()
