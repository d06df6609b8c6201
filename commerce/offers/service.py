"""Proposes, remembers how it ended, and lets admins switch it: load, decide, save."""

from __future__ import annotations

from dataclasses import dataclass, replace

from commerce import catalog
from commerce.catalog import Product
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.offers import demand, model, policy, store
from commerce.offers.life import Status
from commerce.offers.model import Cell, Context, Decision, Kind, Offer, OfferRulesChanged, Rules
from commerce.offers.policy import Choice
from commerce.offers.store import Known, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sale:
    """What is about to be shown to whom."""

    fan_id: str
    sku: str
    product: Product
    currency: str
    price_minor: int
    floor_minor: int


async def propose(
    tx: Tx,
    *,
    key: str,
    fan_id: str,
    sku: str,
    price_minor: int,
    floor_minor: int | None,
    currency: str,
    context: Context,
) -> Offer | None:
    """The fan's own discount on this product, decided once for its life; mostly there is none.

    `floor_minor` is the supplier's minimum and the platform's margin on it; None where the supplier
    set no minimum, and then nothing is ever offered.
    """
    rules = await store.rules(tx)
    product = await _open_product(tx, rules, sku) if fan_id and floor_minor is not None else None
    if product is None or floor_minor is None:
        return None
    now = await tx.now()
    asked = await store.by_key(tx, key)
    last = asked or await store.last(tx, fan_id, product.id)
    if last is not None and (asked or now < last.expires_at + model.REST):
        return _kept(last, now, price_minor, floor_minor)
    if last is not None:
        await store.run_out_one(tx, last.id, now)
    sale = _Sale(
        fan_id=fan_id,
        sku=sku,
        product=product,
        currency=currency,
        price_minor=price_minor,
        floor_minor=floor_minor,
    )
    return await _decide(tx, rules, key, sale, context, now)


async def standing(tx: Tx, fan_id: str, sku: str, at: int) -> Offer | None:
    """The fan's open offer on this product, if there is one; nothing is decided."""
    product = await _open_product(tx, await store.rules(tx), sku) if fan_id else None
    last = await store.last(tx, fan_id, product.id) if product else None
    return _offer(last) if last and _stands(last, at) else None


async def bought(tx: Tx, offer_id: str, margin_minor: int, order_id: str = "") -> None:
    """The fan took it, in time or late; once, whoever says it again."""
    done = await store.buy(
        tx,
        offer_id,
        margin_minor=max(margin_minor, 0),
        order_id=order_id,
        now=await tx.now(),
    )
    if not done and order_id:
        await store.note_order(tx, offer_id, order_id)


async def sold(tx: Tx, *, fan_id: str, sku: str, quantity: int, order_id: str, at: int) -> None:
    """A paid order of a fan for whom something was decided, with a discount or without."""
    products = await catalog.products_of_skus(tx, [sku])
    last = await store.last(tx, fan_id, products[sku].id) if sku in products else None
    if last is not None and at <= last.expires_at + model.ATTRIBUTED:
        await bought(tx, last.id, last.piece_minor * quantity, order_id)


async def returned(tx: Tx, order_id: str) -> None:
    """The money went back: the sale brought nothing."""
    await store.give_back(tx, order_id, await tx.now())


async def rules(tx: Tx) -> Rules:
    return await store.rules(tx)


async def set_rules(
    tx: Tx, *, on: bool, held_out_bp: int, explore_bp: int, minutes: int, expected_version: int
) -> Rules:
    """Who is held out is drawn anew only as far as the share changes; then the measure begins."""
    before = await store.rules(tx)
    now = await tx.now()
    same_groups = bool(before.version) and before.held_out_bp == held_out_bp
    after = replace(
        before,
        on_since=(before.on_since or now) if on else None,
        measured_since=before.measured_since if same_groups else now,
        held_out_bp=held_out_bp,
        explore_bp=explore_bp,
        minutes=minutes,
        salt=before.salt or ids.token(),
        version=expected_version,
    )
    model.check(after)
    if not await store.put_rules(tx, after):
        raise OfferRulesChanged(version=expected_version)
    return await store.rules(tx)


async def exempt(tx: Tx, kind: Kind, about: str, *, by: str) -> None:
    """No offers on this product, or on any of this supplier's."""
    await store.bar(tx, kind, about, by=by, at=await tx.now())


async def admit(tx: Tx, kind: Kind, about: str) -> None:
    await store.unbar(tx, kind, about)


async def exempted(tx: Tx) -> list[tuple[Kind, str]]:
    """The newest first."""
    return await store.barred(tx)


async def _open_product(tx: Tx, rules: Rules, sku: str) -> Product | None:
    """The product of the SKU, if offers are on and not barred from it."""
    if rules.on_since is None:
        return None
    product = (await catalog.products_of_skus(tx, [sku])).get(sku)
    if product is None or await store.is_barred(tx, product.id, product.supplier_id):
        return None
    return product


def _stands(last: Proposal, at: int) -> bool:
    return last.status is Status.OPEN and at < last.expires_at and last.percent_bp > 0


def _kept(last: Proposal, at: int, price_minor: int, floor_minor: int) -> Offer | None:
    """What was decided, unless it is over or this size's floor leaves no room for it."""
    fits = model.reduced(price_minor, last.percent_bp) >= floor_minor
    return _offer(last) if fits and _stands(last, at) else None


def _offer(last: Proposal) -> Offer:
    return Offer(
        id=last.id, percent_bp=last.percent_bp, expires_at=last.expires_at, reason=last.reason
    )


async def _decide(
    tx: Tx, rules: Rules, key: str, sale: _Sale, context: Context, now: int
) -> Offer | None:
    margins = policy.margins(sale.price_minor, sale.floor_minor)
    if len(margins) < 2:  # no discount keeps the floor
        return None
    cell = await _cell(tx, sale, context)
    known = await store.known(tx, cell=cell.key, history=cell.history, currency=sale.currency)
    choice = policy.decide(
        demand.believed(known.trials, known.population),
        margins,
        group=rules.group_of(sale.fan_id),
        left_milli=known.left_milli,
        chance=ids.fraction(),
    )
    decision = _decision(rules, sale, cell, choice, known, now)
    piece_minor = margins[choice.percent_bp]
    if not await store.add(tx, decision, key=key, piece_minor=piece_minor):
        raise Contended(f"an offer on {sale.product.id} was decided at the same time")
    if choice.cost_milli and not await store.spend(tx, sale.currency, choice.cost_milli):
        raise Contended(f"what trying may cost in {sale.currency} was spent meanwhile")
    made = Offer(
        id=decision.id,
        percent_bp=decision.percent_bp,
        expires_at=decision.expires_at,
        reason=decision.reason,
    )
    return made if made.percent_bp else None


async def _cell(tx: Tx, sale: _Sale, context: Context) -> Cell:
    category = sale.product.category_id
    paths = await catalog.category_paths(tx, [category]) if category else {}
    return model.cell_of(
        context,
        price_minor=sale.price_minor,
        currency=sale.currency,
        category_ids=paths.get(category, ()),
    )


def _decision(
    rules: Rules, sale: _Sale, cell: Cell, choice: Choice, known: Known, now: int
) -> Decision:
    return Decision(
        id=ids.new_id(),
        fan_id=sale.fan_id,
        product_id=sale.product.id,
        supplier_id=sale.product.supplier_id,
        sku=sale.sku,
        currency=sale.currency,
        price_minor=sale.price_minor,
        floor_minor=sale.floor_minor,
        cell=cell.key,
        group=rules.group_of(sale.fan_id),
        percent_bp=choice.percent_bp,
        propensity_ppm=choice.propensity_ppm,
        cost_milli=choice.cost_milli,
        reason=choice.reason,
        model_version=known.version,
        expected_milli=choice.expected_milli,
        loss_milli=choice.loss_milli,
        seen=known.trials,
        decided_at=now,
        expires_at=now + rules.minutes * clock.MINUTE,
    )
