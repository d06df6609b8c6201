"""Events and messages that failed too often: what is known of each, and what becomes of it."""

from __future__ import annotations

from aiohttp import web

from backoffice import forms, trimming
from backoffice.deeds import carried_out, said_of
from backoffice.desk import Desk, Visit
from backoffice.pages import OPERATIONS
from commerce.accounts import Action
from commerce.kernel import audit, ids, parked
from commerce.kernel.audit import Entry
from commerce.kernel.database import Tx

EVENT = f"{OPERATIONS}/events/{{id:{forms.ID.pattern}}}"
MESSAGE = f"{OPERATIONS}/messages/{{seq:[0-9]{{1,18}}}}"
DEED = "{deed:replay|drop}"
SAID = {"replay": "replayed", "drop": "dropped"}
EVENT_DEEDS = {"replay": parked.replay_event, "drop": parked.drop_event}
MESSAGE_DEEDS = {"replay": parked.replay_message, "drop": parked.drop_message}


class OperationsParked:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded = self._desk.guarded
        return [
            web.get(EVENT, guarded(self.event, Action.OPERATE), allow_head=False),
            web.get(MESSAGE, guarded(self.message, Action.OPERATE), allow_head=False),
            web.post(f"{EVENT}/{DEED}", guarded(self.decide_event, Action.OPERATE)),
            web.post(f"{MESSAGE}/{DEED}", guarded(self.decide_message, Action.OPERATE)),
        ]

    async def event(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> tuple[parked.Event | None, list[Entry]]:
            event_id = request.match_info["id"]
            return await parked.event(tx, event_id), await audit.about(tx, f"event:{event_id}")

        found, deeds = await self._desk.database.read(read)
        if found is None:
            raise web.HTTPNotFound
        return self._desk.page(
            "operations/event.html",
            visit,
            here=OPERATIONS,
            event=found,
            aggregate=trimming.conversation(found.aggregate_id),
            payload=trimming.shown(found.payload),
            deeds_done=deeds,
            key=ids.new_id(),
            **said_of(request),
        )

    async def message(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> tuple[parked.Message | None, list[Entry]]:
            seq = int(request.match_info["seq"])
            return await parked.message(tx, seq), await audit.about(tx, f"message:{seq}")

        found, deeds = await self._desk.database.read(read)
        if found is None:
            raise web.HTTPNotFound
        return self._desk.page(
            "operations/message.html",
            visit,
            here=OPERATIONS,
            message=found,
            conversation=trimming.conversation(found.conversation_id),
            body=trimming.shown(found.body),
            deeds_done=deeds,
            key=ids.new_id(),
            **said_of(request),
        )

    async def decide_event(self, request: web.Request, visit: Visit) -> web.Response:
        event_id, name = request.match_info["id"], request.match_info["deed"]
        return await carried_out(
            self._desk,
            visit,
            lambda tx, will: EVENT_DEEDS[name](tx, event_id, will),
            page=f"{OPERATIONS}/events/{event_id}",
            said=SAID[name],
        )

    async def decide_message(self, request: web.Request, visit: Visit) -> web.Response:
        seq, name = int(request.match_info["seq"]), request.match_info["deed"]
        return await carried_out(
            self._desk,
            visit,
            lambda tx, will: MESSAGE_DEEDS[name](tx, seq, will),
            page=f"{OPERATIONS}/messages/{seq}",
            said=SAID[name],
        )
