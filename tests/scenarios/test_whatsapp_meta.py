"""A fan on WhatsApp buys through Meta's raw webhooks: batches, statuses, repeats and all."""

from __future__ import annotations

from aiohttp import ClientSession

from commerce.kernel.tables import OUTGOING
from tests.channels import stand_ins
from tests.scenarios import paying
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import META, MetaFan, status_of
from tests.scenarios.running import until

ADDRESS = {"street": "Torstraße 12", "town": "Berlin", "postcode": "10119"}


async def test_a_fan_on_whatsapp_buys_and_gets_one_receipt(start_till: StartTill) -> None:
    async with stand_ins.served(stand_ins.meta()) as meta, ClientSession() as http:
        till = await start_till(**META, whatsapp_api_base=f"{meta.url}/v23.0")
        fan = MetaFan(meta, till, http)

        await fan.says("start friday-night-drop")
        offer = await fan.hears("Which one")
        await _taps_in_a_crowded_batch(fan, "M", offer.buttons["M"])
        countries = await fan.hears("is held for you")
        assert "Germany" in countries.buttons
        await fan.sends({"type": "sticker", "sticker": {"id": "8", "mime_type": "image/webp"}})
        await fan.hears("I can only read words")
        await fan.sends({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "🔥"}})
        await fan.taps("Germany", countries.buttons["Germany"])
        name = await fan.hears("full name")
        await fan.taps("Ada Windell", name.buttons["Ada Windell"], "button_reply")
        summary = await fan.answers(ADDRESS, "Your order:")
        assert "Torstraße 12" in summary.text
        agreed = await fan.taps("I agree", summary.buttons["I agree and pay"], "button_reply")
        link = (await fan.hears("Here is the pay link")).link
        await fan.post(fan.envelope(messages=[agreed]))  # Meta repeats it for up to seven days
        await paying.press(http, till, link, "twice")
        receipt = await fan.hears("This is your receipt")

        [(code, status)] = await till.orders()
        assert status == "paid"
        assert code in receipt.text
        await fan.says("status")
        await fan.hears(code)
        assert sum("This is your receipt" in heard.text for heard in fan.so_far()) == 1
        assert sum("is held for you" in heard.text for heard in fan.so_far()) == 1
        assert any(heard.picture.endswith("/media/hoodie.webp") for heard in fan.so_far())
        assert {body["recipient"] for _, body in meta.calls} == {"US.13491208655302741918"}
        assert await till.is_sound()


async def _taps_in_a_crowded_batch(fan: MetaFan, title: str, chosen: str) -> None:
    """The tap twice, beside statuses, another number's message and a kind of change of tomorrow."""
    reply = {"type": "list_reply", "list_reply": {"id": chosen, "title": title}}
    tap = fan.message({"type": "interactive", "interactive": reply, "context": {"id": "wamid.1"}})
    batch = fan.envelope(
        messages=[tap, tap],
        statuses=[status_of("wamid.1", "delivered"), status_of("wamid.1", "sent")],
    )
    stray = {"type": "text", "text": {"body": "not for this shop"}}
    batch["entry"] += fan.envelope(number="999", messages=[fan.message(stray)])["entry"]
    batch["entry"][0]["changes"].append({"field": "flows", "value": {"event": "FLOW_STATUS"}})
    assert await fan.post(batch) == 200
    assert await fan.post(batch) == 200


async def test_a_message_that_meta_gave_up_on_is_noted_and_the_sale_goes_on(
    start_till: StartTill,
) -> None:
    async with stand_ins.served(stand_ins.meta()) as meta, ClientSession() as http:
        till = await start_till(**META, whatsapp_api_base=f"{meta.url}/v23.0")
        fan = MetaFan(meta, till, http)
        meta.queued += [stand_ins.meta_error(500, 131000), stand_ins.meta_error(400, 131053)]

        await fan.says("hola")  # the first try fails, then the picture is refused

        await fan.hears("Which one")
        await until(lambda: till.rows(OUTGOING), lambda rows: rows[0]["status"] == "sent")
        error = {"code": 131026, "title": "Message undeliverable"}
        failed = status_of(f"wamid.{len(meta.calls)}", "failed", errors=[error])
        assert await fan.post(fan.envelope(statuses=[failed])) == 200
        [sent] = await till.rows(OUTGOING)
        assert (sent["status"], sent["reason"]) == ("failed", "blocked")
        await fan.says("help")
        await fan.hears("I sell what the stream shows")
