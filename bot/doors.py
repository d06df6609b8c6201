"""Runs what the conversation asks for through the doors of commerce, each under its own key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import live
from bot import intents
from bot.intents import Intent, Outcome, Refused
from bot.store import Conversation
from commerce import accounts, checkout, inventory, orders, payments, pricing
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Refusal

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
    ) -> None:
        self._database = database
        self._holds = holds
        self._paid_by = {"provider": provider, "capture": capture}
        self._hold_seconds = hold_seconds
        self._public_url = public_url

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
            return await self._database.read(lambda tx: self._look(tx, intent))
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
        await self._database.read(lambda tx: _check_may_hold(tx, intent, conversation, key))
        hold = await self._holds.hold(
            key=key,
            sku=intent.sku,
            quantity=intent.quantity,
            owner=conversation.id,
            reference=intent.session_id,
            seconds=self._hold_seconds,
        )
        return intents.Held(hold.id, hold.sku, hold.quantity, hold.expires_at)

    async def _look(self, tx: Tx, intent: intents.Look) -> Outcome:
        session = await live.find_session(tx, intent.session) if intent.session else None
        if intent.session and session is None:
            raise live.UnknownSession(session=intent.session)
        if session is None or session.status is live.Status.ENDED:
            running = await live.live_sessions(tx)
            session = running[0] if running else None
        if session is None:
            return intents.Looked(None)
        offer = await live.current_offer(tx, session.id)
        return intents.Looked(self._offer(offer) if offer else None)

    async def _take_up(self, tx: Tx, intent: intents.TakeUp, conversation: Conversation) -> Outcome:
        entry = await live.waitlist.take_up(tx, intent.entry_id, conversation.id)
        assert entry.hold_id is not None
        hold = await inventory.hold_of(tx, entry.hold_id)
        offer = await live.offer_with(tx, entry.session_id, entry.sku)
        held = intents.Held(hold.id, hold.sku, hold.quantity, hold.expires_at)
        return intents.TakenUp(self._offer(offer), held)

    def _offer(self, offer: live.Offer) -> intents.Offer:
        image = offer.image_url
        return intents.Offer(
            session_id=offer.session_id,
            session_slug=offer.session_slug,
            session_title=offer.session_title,
            leader_name=offer.leader_name,
            product_id=offer.product_id,
            title=offer.title,
            description=offer.description,
            image_url=f"{self._public_url}{image}" if image.startswith("/") else image,
            currency=offer.currency,
            ends_at=offer.ends_at,
            options=tuple(
                intents.Option(o.sku, o.label, o.price_minor, o.available) for o in offer.options
            ),
        )


async def _check_may_hold(
    tx: Tx, intent: intents.Hold, conversation: Conversation, key: str
) -> None:
    """It is on offer, and nobody waits for it; asked again after a crash, it may be held by now."""
    try:
        await live.check_on_offer(tx, intent.session_id, intent.sku)
        await live.waitlist.check_turn(tx, intent.sku, conversation.id, intent.quantity)
    except Refusal:
        if await inventory.hold_under(tx, key) is None:
            raise


async def _release(
    tx: Tx, intent: intents.Release, conversation: Conversation, key: str
) -> Outcome:
    hold = await inventory.hold_of(tx, intent.hold_id)
    if hold.owner == conversation.id:
        await inventory.release(tx, hold.id)
    return intents.Released()


async def _quote(tx: Tx, intent: intents.Quote, conversation: Conversation, key: str) -> Outcome:
    hold = await inventory.hold_of(tx, intent.hold_id)
    if hold.status is not inventory.HoldStatus.HELD or hold.owner != conversation.id:
        raise inventory.HoldGone(hold_id=hold.id)
    quote = await pricing.price(
        tx,
        key=key,
        items=[pricing.Wanted(hold.sku, hold.quantity)],
        address=intent.address,
        language=intent.language,
    )
    lines = tuple(intents.QuoteLine(str(x.kind), x.label, x.amount_minor) for x in quote.lines)
    return intents.Quoted(quote.id, lines, quote.total_minor, quote.currency)


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
    intents.KnownAddress: _known_address,
    intents.FindOrders: _find_orders,
    intents.FindPlaces: _find_places,
}
WRITES: Mapping[type, Door[Any]] = {
    intents.Release: _release,
    intents.Quote: _quote,
    intents.CancelCheckout: _cancel_checkout,
    intents.Remember: _remember,
    intents.Leave: _leave,
}
