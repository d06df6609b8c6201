"""Runs what the conversation asks for through the doors of commerce, each under its own key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import live
from bot import finding_door, intents, price_doors
from bot.intents import Intent, Outcome, Refused
from bot.store import Conversation
from commerce import accounts, checkout, inventory, orders, payments, promotions
from commerce.kernel import clock
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Refusal
from commerce.promotions import Seen

I = TypeVar("I")  # noqa: E741
Door = Callable[[Tx, I, Conversation, str], Awaitable[Outcome]]


class Doors:
    def __init__(
        self,
        *,
        database: Database,
        holds: inventory.Holds,
        provider: str,
        capture: payments.CaptureMode = payments.CaptureMode.AUTOMATIC,
        hold_seconds: int,
        public_url: str,
        performance: promotions.Performance,
    ) -> None:
        self._database = database
        self._holds = holds
        self._paid_by = {"provider": provider, "capture": capture}
        self._hold_seconds = hold_seconds
        self._public_url = public_url
        self._performance = performance

    async def run(self, intent: Intent, conversation: Conversation, key: str) -> Outcome:
        """What became of the intent; the same key again has no second effect."""
        try:
            return await self._run(intent, conversation, key)
        except Refusal as refusal:
            return Refused(refusal.code, refusal.facts)

    async def _run(self, intent: Intent, conversation: Conversation, key: str) -> Outcome:
        if isinstance(intent, intents.Hold):
            return await self._hold(intent, conversation, key)
        if isinstance(intent, intents.Look):
            return await self._look(intent, conversation, key)
        if isinstance(intent, intents.Find):
            return await self._database.read(lambda tx: self._find(tx, intent, conversation))
        if isinstance(intent, intents.Join):
            return await self._database.unit_of_work(
                lambda tx: _join(tx, intent, conversation, key, self._hold_seconds)
            )
        if isinstance(intent, intents.TakeUp):
            return await self._database.unit_of_work(
                lambda tx: self._take_up(tx, intent, conversation)
            )
        if isinstance(intent, intents.CheckOut):
            return await self._database.unit_of_work(
                lambda tx: _check_out(tx, intent, conversation, key, self._paid_by)
            )
        if type(intent) in READS:
            read = READS[type(intent)]
            return await self._database.read(lambda tx: read(tx, intent, conversation, key))
        write = WRITES[type(intent)]
        return await self._database.unit_of_work(lambda tx: write(tx, intent, conversation, key))

    async def _hold(self, intent: intents.Hold, conversation: Conversation, key: str) -> Outcome:
        flash = await self._database.read(
            lambda tx: self._check_may_hold(tx, intent, conversation, key)
        )
        hold = await self._holds.hold(
            key=key,
            sku=intent.sku,
            quantity=intent.quantity,
            owner=conversation.id,
            reference=intent.session_id,
            seconds=self._hold_seconds,
        )
        held = intents.Held(hold.id, hold.sku, hold.quantity, hold.expires_at)
        if not flash:
            return held
        return await self._database.unit_of_work(
            lambda tx: price_doors.claim_flash(tx, held, hold.reference, conversation.id)
        )

    async def _check_may_hold(
        self, tx: Tx, intent: intents.Hold, conversation: Conversation, key: str
    ) -> bool:
        """It is on offer, and nobody waits for it; whether a flash price runs for it.

        Asked again after a crash, it may be held by now.
        """
        try:
            await live.check_on_offer(tx, intent.session_id, intent.sku)
            await live.waitlist.check_turn(tx, intent.sku, conversation.id, intent.quantity)
        except Refusal:
            if await inventory.hold_under(tx, key) is None:
                raise
        if intent.rule_ids:
            leader_id = (await live.session(tx, intent.session_id)).leader_id
            self._note(Seen.CLICK, intent.rule_ids, leader_id, conversation)
        now = clock.now()
        flashes = await promotions.flash_of(tx, intent.session_id, [intent.sku], now)
        return bool(flashes) and await price_doors.is_flash_price(tx, intent)

    def _note(
        self, kind: Seen, rule_ids: Iterable[str], leader_id: str, conversation: Conversation
    ) -> None:
        channel = price_doors.channel_of(conversation)
        self._performance.note(kind, rule_ids, leader_id, channel)

    async def _look(self, intent: intents.Look, conversation: Conversation, key: str) -> Outcome:
        """What is on now, for this fan; perhaps with an offer of their own."""

        async def seen(tx: Tx) -> tuple[live.Offer | None, live.Watcher, bool]:
            who = await price_doors.watcher(tx, conversation, intent.territory)
            offer = await self._on_now(tx, intent, who)
            return offer, who, await price_doors.may_propose(tx, offer, who)

        found, who, worth_asking = await self._database.read(seen)
        if found is None:
            return intents.Looked(None)
        shown, offer, proposed = found, found, None
        if worth_asking:
            offer, proposed = await self._database.unit_of_work(
                lambda tx: price_doors.propose(tx, shown, who, key)
            )
        rule_ids = {rule for option in offer.options for rule in option.rule_ids}
        self._note(Seen.IMPRESSION, rule_ids, offer.leader_id, conversation)
        return intents.Looked(price_doors.offered(offer, proposed, self._public_url))

    async def _find(self, tx: Tx, intent: intents.Find, conversation: Conversation) -> Outcome:
        who = await price_doors.watcher(tx, conversation, intent.territory)
        offer = await self._on_now(tx, intents.Look(intent.session), who)
        skus, others = await finding_door.own_and_others(tx, intent, offer, self._public_url)
        shown = price_doors.offered(offer, None, self._public_url) if offer else None
        return intents.GoodsFound(intent.text, shown, skus, others)

    async def _on_now(self, tx: Tx, intent: intents.Look, who: live.Watcher) -> live.Offer | None:
        session = await live.find_session(tx, intent.session) if intent.session else None
        if intent.session and session is None:
            raise live.UnknownSession(session=intent.session)
        if session is None or session.status is live.Status.ENDED:
            running = await live.live_sessions(tx)
            session = running[0] if running else None
        return await live.current_offer(tx, session.id, who) if session else None

    async def _take_up(self, tx: Tx, intent: intents.TakeUp, conversation: Conversation) -> Outcome:
        entry = await live.waitlist.take_up(tx, intent.entry_id, conversation.id)
        assert entry.hold_id is not None
        hold = await inventory.hold_of(tx, entry.hold_id)
        who = await price_doors.watcher(tx, conversation)
        offer = await live.offer_with(tx, entry.session_id, entry.sku, who)
        held = intents.Held(hold.id, hold.sku, hold.quantity, hold.expires_at)
        if any(option.flash for option in offer.options if option.sku == entry.sku):
            held = await price_doors.claim_flash(tx, held, entry.session_id, conversation.id)
        return intents.TakenUp(price_doors.offered(offer, None, self._public_url), held)


async def _release(
    tx: Tx, intent: intents.Release, conversation: Conversation, key: str
) -> Outcome:
    hold = await inventory.hold_of(tx, intent.hold_id)
    if hold.owner == conversation.id:
        await inventory.release(tx, hold.id)
        # At once, not when it is heard of: who holds again at once finds the price free.
        if (await inventory.hold_of(tx, hold.id)).status not in inventory.PROMISED:
            await promotions.release_flash(tx, hold.id)
    return intents.Released()


async def _known_address(
    tx: Tx, intent: intents.KnownAddress, conversation: Conversation, key: str
) -> Outcome:
    fan = await accounts.known_fan(tx, conversation.id)
    return intents.AddressKnown(fan.address if fan else None)


async def _check_out(
    tx: Tx,
    intent: intents.CheckOut,
    conversation: Conversation,
    key: str,
    paid_by: Mapping[str, Any],
) -> Outcome:
    fan = await accounts.fan_of(tx, conversation.id, intent.address.name, intent.language)
    hold = await inventory.hold_of(tx, intent.hold_id)
    session = await live.session(tx, hold.reference)
    opened = await checkout.open_checkout(
        tx,
        checkout.Request(
            key=key,
            fan_id=fan.id,
            conversation_id=conversation.id,
            leader_id=session.leader_id,
            hold_id=intent.hold_id,
            quote_id=intent.quote_id,
            address=intent.address,
            language=intent.language,
            **paid_by,
        ),
    )
    await accounts.save_address(tx, fan.id, intent.address)
    await accounts.record_consent(
        tx,
        key=key,
        fan_id=fan.id,
        purpose="purchase",
        text=intent.consent_text,
        text_version=intent.consent_version,
        channel=conversation.account,
        reference=opened.id,
    )
    return intents.CheckoutOpened(opened.id, opened.order_code)


async def _cancel_checkout(
    tx: Tx, intent: intents.CancelCheckout, conversation: Conversation, key: str
) -> Outcome:
    order = await orders.order_of(tx, intent.checkout_id)
    if order is None or order.conversation_id != conversation.id:
        return intents.CancelTaken(False)
    return intents.CancelTaken(await checkout.cancel_checkout(tx, intent.checkout_id))


async def _find_orders(
    tx: Tx, intent: intents.FindOrders, conversation: Conversation, key: str
) -> Outcome:
    fan = await accounts.known_fan(tx, conversation.id)
    found = await orders.orders_of(tx, fan.id) if fan else []
    return intents.OrdersFound(
        tuple(
            intents.OrderLine(o.code, o.items[0].title, str(o.status), o.total_minor, o.currency)
            for o in found
        )
    )


async def _remember(
    tx: Tx, intent: intents.Remember, conversation: Conversation, key: str
) -> Outcome:
    fan = await accounts.fan_of(tx, conversation.id, "", intent.language)
    if fan.language != intent.language:
        await accounts.set_language(tx, fan.id, intent.language)
    return intents.Remembered()


async def _join(
    tx: Tx, intent: intents.Join, conversation: Conversation, key: str, hold_seconds: int
) -> Outcome:
    place = await live.waitlist.join(
        tx,
        key=key,
        session_id=intent.session_id,
        sku=intent.sku,
        quantity=intent.quantity,
        owner=conversation.id,
        hold_seconds=hold_seconds,
    )
    return intents.Joined(place.position)


async def _leave(tx: Tx, intent: intents.Leave, conversation: Conversation, key: str) -> Outcome:
    gone = await live.waitlist.leave(tx, conversation.id, intent.entry_id)
    return intents.Left(tuple(entry.id for entry in gone))


async def _find_places(
    tx: Tx, intent: intents.FindPlaces, conversation: Conversation, key: str
) -> Outcome:
    places = await live.waitlist.places_of(tx, conversation.id)
    named = await live.names_of(tx, [place.entry.sku for place in places])
    return intents.PlacesFound(
        tuple(intents.WaitPlace(*named[p.entry.sku], p.position) for p in places)
    )


READS: Mapping[type, Door[Any]] = {
    intents.CheckDelivery: price_doors.check_delivery,
    intents.KnownAddress: _known_address,
    intents.FindOrders: _find_orders,
    intents.FindPlaces: _find_places,
}
WRITES: Mapping[type, Door[Any]] = {
    intents.Release: _release,
    intents.Quote: price_doors.quote,
    intents.CancelCheckout: _cancel_checkout,
    intents.Remember: _remember,
    intents.Leave: _leave,
}
