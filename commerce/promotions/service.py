"""Use cases of promotions, each inside the caller's transaction and for the person who acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from commerce import accounts, catalog, suppliers
from commerce.accounts import Role, Staff
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.promotions import checking, model, store
from commerce.promotions.basket import Funder
from commerce.promotions.model import Draft, Promotion, Side, Status, Visibility
from commerce.promotions.rules import Policy, Rule

PAGE = 50
MAXIMUM_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """By what the rules for a basket are found."""

    product_ids: Sequence[str] = ()
    category_ids: Sequence[str] = ()
    supplier_ids: Sequence[str] = ()
    leader_id: str = ""
    session_id: str = ""


async def rules_for(tx: Tx, sought: Sought, at: int) -> list[Rule]:
    """The promotions without a code that could count for it at this instant."""
    kinds = {
        "product": sought.product_ids,
        "category": sought.category_ids,
        "supplier": sought.supplier_ids,
        "session": (sought.session_id,) if sought.session_id else (),
    }
    found = ["all", *(f"{kind}:{one}" for kind, ids_ in kinds.items() for one in ids_)]
    places = ("*", sought.leader_id) if sought.leader_id else ("*",)
    targets = [f"{place}|{target}" for place in places for target in found]
    known = await store.applicable(tx, targets, at)
    return [replace(rule, version=version) for rule, version in known]


async def policy(tx: Tx) -> Policy:
    return await store.policy(tx)


async def set_policy(tx: Tx, staff: Staff, given: Policy) -> Policy:
    """Only what comes after is counted by it; `given.version` is the one the person saw."""
    accounts.require(staff, accounts.Action.APPROVE_PROMOTIONS)
    for field in ("maximum_bp", "margin_bp"):
        if not 0 <= getattr(given, field) <= MAXIMUM_BP:
            raise model.BadPolicy(field=field)
    if given.timezone not in available_timezones():
        raise model.BadPolicy(field="timezone")
    before = await store.policy(tx)
    after = replace(given, version=given.version + 1)
    if before.version != given.version or not await store.add_policy(tx, after, staff.id):
        raise model.StalePromotion(version=before.version)
    return after


async def promotion(tx: Tx, promotion_id: str) -> Promotion:
    found = await store.some(tx, [promotion_id])
    if promotion_id not in found:
        raise model.NoSuchPromotion(promotion_id=promotion_id)
    return found[promotion_id]


async def promotions(tx: Tx, promotion_ids: Sequence[str]) -> dict[str, Promotion]:
    return await store.some(tx, promotion_ids)


async def promotions_seen_by(
    tx: Tx, staff: Staff, *, status: str = "", page: int = 1, size: int = PAGE
) -> list[Promotion]:
    """An admin sees all, a supplier their own, a leader what is sent off to their audience."""
    everything = accounts.may(staff, accounts.Action.SEE_EVERYTHING)
    of_supplier = not everything and Role.SUPPLIER in staff.roles
    return await store.listed(
        tx,
        status=status,
        supplier=staff.supplier_id or staff.id if of_supplier else None,
        leader=None if everything or of_supplier else staff.id,
        most=size,
        skip=(page - 1) * size,
    )


async def waiting_for(tx: Tx, staff: Staff) -> list[Promotion]:
    """Those that wait for this person's agreement."""
    return [one for one in await store.to_agree(tx) if sides_of(staff, one) & one.awaited]


def may_see(staff: Staff, promotion: Promotion) -> bool:
    return (
        accounts.may(staff, accounts.Action.SEE_EVERYTHING)
        or may_manage(staff, promotion)
        or (promotion.leader_id == staff.id and promotion.status is not Status.DRAFT)
    )


def may_manage(staff: Staff, promotion: Promotion) -> bool:
    """Admins, and whoever it belongs to."""
    if accounts.may(staff, accounts.Action.APPROVE_PROMOTIONS):
        return True
    if promotion.funder is Funder.SUPPLIER:
        return bool(staff.supplier_id) and staff.supplier_id == promotion.supplier_id
    return promotion.funder is Funder.LEADER and promotion.leader_id == staff.id


def sides_of(staff: Staff, promotion: Promotion) -> frozenset[Side]:
    """For whom this person may agree to it."""
    sides = set()
    if accounts.may(staff, accounts.Action.APPROVE_PROMOTIONS):
        sides.add(Side.PLATFORM)
    if Role.LEADER in staff.roles and promotion.leader_id == staff.id:
        sides.add(Side.LEADER)
    return frozenset(sides)


async def sketch(tx: Tx, staff: Staff, draft: Draft, promotion_id: str = "") -> Promotion:
    """What drawing it up would make; nothing is kept."""
    accounts.require(staff, accounts.Action.PROMOTE)
    funder = funder_of(staff)
    new_id = promotion_id or ids.new_id()
    ready = await _checked(tx, staff, funder, draft, new_id)
    return Promotion(
        id=new_id,
        kind=ready.kind,
        visibility=ready.visibility,
        funder=funder,
        supplier_id=staff.supplier_id if funder is Funder.SUPPLIER else "",
        leader_id=ready.leader_id,
        rule=ready.rule,
        by_code=ready.by_code,
        total_limit=ready.total_limit,
        created_by=staff.id,
        created_at=clock.now(),
    )


async def draw_up(tx: Tx, staff: Staff, draft: Draft, *, promotion_id: str = "") -> Promotion:
    """A draft of this person's own. With an id of the caller's it may be repeated."""
    made = await sketch(tx, staff, draft, promotion_id)
    if await store.add(tx, made):
        return made
    known = await promotion(tx, made.id)
    if known.created_by != staff.id:
        raise model.NotYourPromotion(promotion_id=made.id)
    return known


async def edit(
    tx: Tx, staff: Staff, promotion_id: str, draft: Draft, *, expected_version: int
) -> Promotion:
    before = await own(tx, staff, promotion_id)
    if before.version != expected_version:
        raise model.StalePromotion(promotion_id=promotion_id, version=before.version)
    owner = replace(staff, supplier_id=before.supplier_id)  # an admin edits for whose it is
    after = model.revised(before, await _checked(tx, owner, before.funder, draft, promotion_id))
    await store.save(tx, after)
    return after


def funder_of(staff: Staff) -> Funder:
    """Whose share pays for what this person promotes."""
    if accounts.may(staff, accounts.Action.APPROVE_PROMOTIONS):
        return Funder.PLATFORM
    return Funder.SUPPLIER if Role.SUPPLIER in staff.roles else Funder.LEADER


async def _checked(tx: Tx, staff: Staff, funder: Funder, draft: Draft, promotion_id: str) -> Draft:
    if funder is Funder.LEADER:
        if draft.visibility is not Visibility.LEADER or draft.leader_id not in ("", staff.id):
            raise model.BadPromotion(field="visibility", reason="not_your_audience")
        draft = replace(draft, leader_id=staff.id)
    if draft.visibility is Visibility.GLOBAL:
        draft = replace(draft, leader_id="")
    rule = replace(draft.rule, id=promotion_id)
    if rule.conditions.first_purchase and rule.per_fan is None:
        rule = replace(rule, per_fan=1)  # nobody is new in two baskets at once
    draft = replace(draft, rule=rule)
    ready = checking.scoped(draft, funder=funder, supplier_id=staff.supplier_id)
    checking.check(ready)
    await _leader_exists(tx, ready)
    found = await _products(tx, ready)
    if funder is Funder.SUPPLIER:
        await active(tx, [staff.supplier_id])
        for product in found:
            if product.supplier_id != staff.supplier_id:
                raise model.NotYourProduct(product_id=product.id, title=product.title)
    else:
        await active(tx, [product.supplier_id for product in found])
    checking.check_currencies(ready, {product.currency for product in found})
    return ready


async def _products(tx: Tx, draft: Draft) -> list[catalog.Product]:
    wanted = sorted(checking.products_named(draft))
    found = await catalog.products(tx, wanted)
    lacking = set(wanted) - {product.id for product in found}
    if lacking:
        raise model.BadPromotion(field="products", reason="unknown", product_id=min(lacking))
    return found


async def _leader_exists(tx: Tx, draft: Draft) -> None:
    if draft.leader_id:
        people = {person.id: person for person in await accounts.all_staff(tx)}
        if draft.leader_id not in people or Role.LEADER not in people[draft.leader_id].roles:
            raise model.BadPromotion(field="leader", reason="unknown")


async def active(tx: Tx, supplier_ids: Sequence[str]) -> None:
    wanted = {one for one in supplier_ids if one}
    known = {s.id: s for s in await suppliers.suppliers(tx, sorted(wanted))}
    for one in sorted(set(supplier_ids)):
        if one not in known or known[one].status is not suppliers.Status.ACTIVE:
            raise model.SupplierNotActive(supplier_id=one)


async def own(tx: Tx, staff: Staff, promotion_id: str) -> Promotion:
    found = await store.locked(tx, promotion_id)
    if not (may_manage(staff, found) and accounts.may(staff, accounts.Action.PROMOTE)):
        raise model.NotYourPromotion(promotion_id=promotion_id)
    return found
