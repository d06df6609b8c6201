"""An orderly end in the middle of everything: what was acknowledged is answered after the start."""

from __future__ import annotations

import asyncio
import json

from aiohttp import ClientError, ClientSession

from commerce.kernel.tables import INBOX, OUTGOING
from tests.channels import stand_ins
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TELEGRAM, TelegramFan
from tests.scenarios.running import Till, until

FANS = 50
LINES = ("/start friday-night-drop", "M", "help")


class HurriedFan(TelegramFan):
    """Writes on without waiting; knows which messages were acknowledged."""

    def __init__(self, telegram: stand_ins.Platform, till: Till, http: ClientSession, chat: int):
        super().__init__(telegram, till, http, chat)
        self.acknowledged_ids: list[str] = []
        self.lost: list[bytes] = []

    async def writes(self) -> None:
        for line in LINES:
            update = self.written(line).to_dict()
            if not await self.tries(update):
                self.lost.append(json.dumps(update).encode())

    async def tries(self, update: object) -> bool:
        try:
            taken = await self.post(update) == 200
        except (ClientError, ConnectionError):
            taken = False
        if taken:
            parsed = json.loads(update) if isinstance(update, bytes) else update
            self.acknowledged_ids.append(f"update:{parsed['update_id']}")
        return taken


async def test_fifty_fans_in_mid_sentence_are_all_answered_after_a_restart(
    start_till: StartTill,
) -> None:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url)
        fans = [HurriedFan(telegram, till, http, 100 + number) for number in range(FANS)]

        writing = [asyncio.create_task(fan.writes()) for fan in fans]
        await until(lambda: till.rows(INBOX), lambda rows: len(rows) >= FANS)
        code = await till.end()
        await asyncio.gather(*writing)
        assert code == 0, till.log
        acknowledged = {one for fan in fans for one in fan.acknowledged_ids}
        assert acknowledged <= {row["message_id"] for row in await till.rows(INBOX)}

        await till.start()
        for fan in fans:  # Telegram brings again what was not taken
            assert [await fan.tries(update) for update in fan.lost] == [True] * len(fan.lost)
        await until(lambda: waiting(till), lambda count: count == 0)

        assert len(await till.rows(INBOX)) == FANS * len(LINES)
        answered = {row["conversation_id"] for row in await till.rows(OUTGOING)}
        assert len(answered) == FANS
        assert "Traceback" not in till.log
        assert await till.is_sound()


async def waiting(till: Till) -> int:
    return sum(row["status"] == "waiting" for row in await till.rows(INBOX))
