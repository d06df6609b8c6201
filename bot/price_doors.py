"""What things cost a fan and where they can be sent: asked of prices, promotions and delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import live
from bot import countries, intents
from bot.intents import Outcome, Refused
from bot.store import Conversation
from commerce import (
    accounts,
    catalog,
    inventory,
    loyalty,
    offers,
    pricing,
    promotions,
    shipping,
    suppliers,
)
from commerce.accounts import Address
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.pricing import Buying, Line, LineKind, Quote
from commerce.shipping import Parcel, Shipped

ROOM = "web"


def channel_of(conversation: Conversation) -> str:
    return conversation.account.partition(":")[0]


async def watcher(tx: Tx, conversation: Conversation, territory: str = "") -> live.Watcher:
    """Who looks, and what they pay in at home: where they had something sent, or seem to be.

    In the live room everybody sees the same price beside the stream, and hears it in the chat.
    """
    fan = await accounts.known_fan(tx, conversation.id)
    channel = channel_of(conversation)
    home = fan.address.country if fan and fan.address else territory
    return live.Watcher(
        fan_id=fan.id if fan else "",
        channel=channel,
        currency="" if channel == ROOM else countries.currency(home),
    )


async def may_propose(tx: Tx, offer: live.Offer | None, who: live.Watcher) -> bool:
    """Whether it is worth a transaction to ask for an offer of this fan's own."""
    if offer is None or not who.fan_id or (await offers.rules(tx)).on_since is None:
        return False
    return any(option.floor_minor is not None for option in offer.options)


async def propose(
    tx: Tx, offer: live.Offer, who: live.Watcher, key: str
) -> tuple[live.Offer, offers.Offer | None]:
    """What is proposed to this fan alone, and the offer as it is with that."""
    option = next(one for one in offer.options if one.floor_minor is not None)
    standing = await loyalty.standing(tx, who.fan_id)
    timezone = (await promotions.policy(tx)).timezone
    context = offers.Context(
        segments=standing.segments,
        hour=datetime.fromtimestamp(clock.now() // clock.SECOND, ZoneInfo(timezone)).hour,
        session_id=offer.session_id,
    )
    proposed = await offers.propose(
        tx,
        key=key,
        fan_id=who.fan_id,
        sku=option.sku,
        price_minor=option.usual_minor,
        floor_minor=option.floor_minor,
        currency=offer.currency,
        context=context,
    )
    if proposed is None or not proposed.percent_bp:
        return offer, None
    again = await live.offer_with(tx, offer.session_id, option.sku, who)
    return replace(again, ends_at=offer.ends_at), proposed


def offered(offer: live.Offer, proposed: offers.Offer | None, public_url: str) -> intents.Offer:
    image = catalog.photo(offer.image_url)
    return intents.Offer(
        session_id=offer.session_id,
        session_slug=offer.session_slug,
        session_title=offer.session_title,
        leader_name=offer.leader_name,
        product_id=offer.product_id,
        title=offer.title,
        description=offer.description,
        image_url=f"{public_url}{image}" if image.startswith("/") else image,
        currency=offer.currency,
        ends_at=offer.ends_at,
        options=tuple(_option(option, proposed) for option in offer.options),
        personal_bp=proposed.percent_bp if proposed else 0,
        personal_until=proposed.expires_at if proposed else 0,
    )


def _option(option: live.Option, proposed: offers.Offer | None) -> intents.Option:
    flash = option.flash
    told_otherwise = flash is not None or (proposed is not None and not option.rule_ids)
    return intents.Option(
        option.sku,
        option.label,
        option.price_minor,
        option.available,
        former_minor=option.former_minor,
        cheaper={} if told_otherwise else option.cheaper,
        flash_left=flash.left if flash else 0,
        flash_ends_at=flash.ends_at if flash else 0,
        flash_per_fan=flash.per_fan if flash else 0,
        rule_ids=option.rule_ids,
    )


async def is_flash_price(tx: Tx, intent: intents.Hold) -> bool:
    """Whether the flash that runs makes it cheaper for this fan, in the money they were shown."""
    session = await live.session(tx, intent.session_id)
    shown = await pricing.shown(
        tx,
        [intent.sku],
        leader_id=session.leader_id,
        session_id=session.id,
        currency=intent.currency,
    )
    return intent.sku in shown and shown[intent.sku].flash is not None


async def claim_flash(tx: Tx, held: intents.Held, session_id: str, owner: str) -> intents.Held:
    """The pieces just held, as many as get the price of the live that runs."""
    claim = await promotions.claim_flash(
        tx,
        hold_id=held.hold_id,
        session_id=session_id,
        sku=held.sku,
        owner=owner,
        quantity=held.quantity,
    )
    if claim is None:
        return held
    return replace(held, flash_pieces=claim.pieces, flash_price_minor=claim.price_minor)


async def check_delivery(
    tx: Tx, intent: intents.CheckDelivery, conversation: Conversation, key: str
) -> Outcome:
    hold = await inventory.hold_of(tx, intent.hold_id)
    product, seller = await _sold_by(tx, hold.sku)
    variant = product.variant(hold.sku)
    goods = [
        Shipped(
            sku=hold.sku,
            quantity=part.quantity,
            supplier_id=seller.id,
            origin_country=seller.country,
            warehouse=part.warehouse,
            weight_grams=variant.weight_grams,
            volume_cm3=variant.volume_cm3,
        )
        for part in hold.parts
    ]
    await shipping.check_served(tx, goods, _there(intent.address, intent.spot))
    return intents.Served()


async def quote(tx: Tx, intent: intents.Quote, conversation: Conversation, key: str) -> Outcome:
    """From the warehouses closest to the address, with whatever makes it cheaper for this fan."""
    hold = await inventory.hold_of(tx, intent.hold_id)
    if hold.status is not inventory.HoldStatus.HELD or hold.owner != conversation.id:
        raise inventory.HoldGone(hold_id=hold.id)
    _, seller = await _sold_by(tx, hold.sku)
    await shipping.allocate(
        tx,
        hold.id,
        _there(intent.address, intent.spot),
        supplier_id=seller.id,
        origin_country=seller.country,
    )
    found = await pricing.price(
        tx,
        key=key,
        items=[pricing.Wanted(hold.sku, hold.quantity)],
        address=intent.address,
        language=intent.language,
        buying=await _buying(tx, intent, conversation, hold),
    )
    no = found.coupon_refused if intent.coupon else None
    return intents.Quoted(
        found.id,
        tuple(_lines(found)),
        found.total_minor,
        found.currency,
        no_code=Refused(no.reason, no.facts) if no else None,
    )


async def _buying(
    tx: Tx, intent: intents.Quote, conversation: Conversation, hold: inventory.Hold
) -> Buying:
    fan = await accounts.known_fan(tx, conversation.id)
    session = await live.session(tx, hold.reference)
    return Buying(
        fan_id=fan.id if fan else "",
        leader_id=session.leader_id,
        session_id=session.id,
        channel=channel_of(conversation),
        hold_id=hold.id,
        coupon=intent.coupon,
        currency=intent.currency,
        latitude_e6=intent.spot.latitude_e6 if intent.spot else None,
        longitude_e6=intent.spot.longitude_e6 if intent.spot else None,
    )


async def _sold_by(tx: Tx, sku: str) -> tuple[catalog.Product, suppliers.Supplier]:
    product = (await catalog.products_of_skus(tx, [sku])).get(sku)
    if product is None:
        raise pricing.NotForSale(sku=sku)
    return product, await suppliers.get(tx, product.supplier_id)


def _there(address: Address, spot: intents.Spot | None) -> shipping.Destination:
    there = pricing.destination_of(address)
    if spot is None:
        return there
    return replace(there, latitude_e6=spot.latitude_e6, longitude_e6=spot.longitude_e6)


def _lines(found: Quote) -> list[intents.QuoteLine]:
    parcels = iter(found.parcels)
    return [
        _line(line, next(parcels, None) if line.kind is LineKind.DELIVERY else None)
        for line in found.lines
    ]


def _line(line: Line, parcel: Parcel | None) -> intents.QuoteLine:
    return intents.QuoteLine(
        str(line.kind),
        line.label,
        line.amount_minor,
        source=line.source,
        code=line.code,
        contained_minor=line.contained_minor,
        quantity=line.quantity,
        earliest=parcel.earliest if parcel else "",
        latest=parcel.latest if parcel else "",
    )
