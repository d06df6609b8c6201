"""From a draft to its end: who may do what, and what the clock does."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from commerce import promotions, suppliers
from commerce.accounts import NotAllowed
from commerce.kernel import audit
from commerce.kernel.audit import ReasonMissing
from commerce.kernel.errors import Contended
from commerce.kernel.machine import IllegalMove
from commerce.kernel.tables import OUTBOX
from commerce.promotions import (
    Bundle,
    BuyGet,
    Conditions,
    Fixed,
    Funder,
    Kind,
    Percent,
    Policy,
    Side,
    Sought,
    Status,
    Tiered,
    Visibility,
    jobs,
)
from commerce.promotions.tables import PROMOTIONS, TARGETS
from tests.conftest import NOON
from tests.promotions.factories import (
    ADMIN,
    DAY,
    LUNA,
    SOL,
    Office,
    a_promotion_draft,
    a_rule,
    will,
)


@pytest.fixture
async def office(database, clock):
    office = Office(database)
    await office.opens()
    return office


async def statuses_announced(office):
    rows = await office.sees(_all, OUTBOX.select().order_by(OUTBOX.c.seq))
    return [r["payload"] for r in rows if r["name"] == "promotion.moved"]


async def _all(tx, statement):
    return await tx.all(statement)


async def found(office, at=NOON, supplier_ids=("sol",), **sought):
    aims = Sought(supplier_ids=supplier_ids, **sought)
    rules = await office.sees(promotions.rules_for, aims, at)
    return [rule.id for rule in rules]


async def test_a_promotion_lives_from_draft_to_end_by_the_clock(office, clock):
    rule = a_rule(id="", starts_at=NOON + DAY, ends_at=NOON + 3 * DAY)
    one = await office.draws_up(rule=rule, promotion_id="sunday")
    lived = [one.status]

    for deed, by in ((promotions.submit, SOL), (promotions.approve, ADMIN)):
        lived.append((await office.moves(deed, by, one)).status)
    for days, deed in ((1, None), (1, promotions.pause), (0, promotions.resume), (1, None)):
        clock.advance(days * DAY)
        if deed is None:
            await jobs.move_promotions(office.database)
        else:
            await office.moves(deed, SOL, one)
        lived.append((await office.now(one)).status)

    assert lived == ["draft", "pending", "scheduled", "active", "paused", "active", "ended"]
    ended = await office.now(one)
    assert (ended.first_activated_at, ended.version) == (NOON + DAY, 7)
    assert len(await statuses_announced(office)) == 6
    entries = await office.sees(audit.about, "promotion:sunday")
    assert [(e.action, e.actor, e.reason) for e in reversed(entries)] == [
        ("promotion.submitted", "sol-1", "because"),
        ("promotion.approved", "ada", "because"),
        ("promotion.paused", "sol-1", "because"),
        ("promotion.resumed", "sol-1", "because"),
    ]


async def test_the_first_activation_is_written_once_for_ever(office, clock):
    one = await office.runs()
    await jobs.move_promotions(office.database)
    clock.advance(DAY)
    await office.moves(promotions.pause, SOL, one)
    resumed = await office.moves(promotions.resume, SOL, one)

    assert resumed.first_activated_at == NOON
    for changed in (NOON + 1, None):
        with pytest.raises(Exception, match=r"append-only|set once"):
            await office.does(_set_first, changed)
    assert (await office.now(one)).first_activated_at == NOON


async def _set_first(tx, at):
    await tx.run(PROMOTIONS.update().values(first_activated_at=at))


async def test_a_late_job_changes_no_price(office, clock):
    one = await office.runs(rule=a_rule(id="", starts_at=NOON + DAY, ends_at=NOON + 2 * DAY))

    assert [await found(office, at) for at in (NOON + DAY - 1, NOON + DAY, NOON + 2 * DAY)] == [
        [], [one.id], []
    ]  # fmt: skip
    clock.advance(5 * DAY)
    assert await jobs.move_promotions(office.database) == 1
    assert await jobs.move_promotions(office.database) == 1
    assert (await office.now(one)).status is Status.ENDED
    assert await found(office, NOON + DAY) == []


@pytest.mark.parametrize(
    ("visibility", "by", "agrees"),
    [
        (Visibility.GLOBAL, "admin", ["admin"]),
        (Visibility.LEADER, "mara", ["mara"]),
        (Visibility.BOTH, "admin", ["mara", "admin"]),
    ],
)
async def test_it_runs_when_everybody_who_is_asked_agreed(office, visibility, by, agrees):
    people = {"admin": ADMIN, "mara": office.mara}
    leader = "" if visibility is Visibility.GLOBAL else office.mara.id
    one = await office.draws_up(visibility=visibility, leader_id=leader)
    asked = await office.moves(promotions.submit, SOL, one)
    waiting = [n for n, p in people.items() if await office.sees(promotions.waiting_for, p)]
    assert (asked.status, sorted(waiting)) == (Status.PENDING, sorted(agrees))
    assert await found(office, leader_id=office.mara.id) == []

    for name in agrees:
        assert asked.status is Status.PENDING
        with pytest.raises(promotions.NotYourPromotion):
            await office.moves(promotions.approve, LUNA, one)
        asked = await office.moves(promotions.approve, people[name], one)

    assert (asked.status, asked.awaited) == (Status.SCHEDULED, frozenset())
    assert await found(office, leader_id=office.mara.id) == [one.id]
    assert bool(await found(office, leader_id="other")) is (visibility is not Visibility.LEADER)


async def test_a_leader_agrees_to_their_own_by_asking(office):
    draft = a_promotion_draft(visibility=Visibility.LEADER)
    one = await office.does(promotions.draw_up, office.mara, draft)
    assert (one.funder, one.leader_id) == (Funder.LEADER, office.mara.id)

    asked = await office.moves(promotions.submit, office.mara, one)

    assert (asked.status, asked.approved) == (Status.SCHEDULED, {Side.LEADER})


async def test_of_many_who_decide_at_once_one_does(office):
    one = await office.draws_up()
    await office.moves(promotions.submit, SOL, one)
    deeds = [promotions.approve, promotions.reject] * 5

    async def decides(n, deed):
        await office.does(deed, ADMIN, one.id, will(f"at-once-{n}", ADMIN))

    done = await asyncio.gather(
        *(decides(n, deed) for n, deed in enumerate(deeds)), return_exceptions=True
    )

    assert Counter(map(type, done)) == {type(None): 1, IllegalMove: 9}
    decided = (await office.now(one)).status
    entries = await office.sees(audit.about, f"promotion:{one.id}")
    assert len(entries) == 2
    assert (entries[0].action, decided) in {
        ("promotion.approved", Status.SCHEDULED), ("promotion.rejected", Status.REJECTED),
    }  # fmt: skip


async def test_one_no_is_enough_and_says_why(office):
    one = await office.draws_up(visibility=Visibility.BOTH, leader_id=office.mara.id)
    await office.moves(promotions.submit, SOL, one)
    with pytest.raises(ReasonMissing):
        await office.moves(promotions.reject, office.mara, one, reason=" ")
    assert (await office.now(one)).status is Status.PENDING

    await office.moves(promotions.reject, office.mara, one, reason="My fans had one last week")

    assert (await office.now(one)).status is Status.REJECTED
    entry = (await office.sees(audit.about, f"promotion:{one.id}"))[0]
    assert (entry.action, entry.actor, entry.reason) == (
        "promotion.rejected", office.mara.id, "My fans had one last week",
    )  # fmt: skip


async def test_the_same_form_twice_is_one_deed(office):
    one = await office.runs()
    await jobs.move_promotions(office.database)

    for _ in range(2):
        await office.does(promotions.pause, SOL, one.id, will("one form", SOL))

    assert (await office.now(one)).status is Status.PAUSED
    assert len(await office.sees(audit.about, f"promotion:{one.id}")) == 3


async def test_a_leader_may_stop_what_a_supplier_promotes_to_their_audience(office):
    one = await office.draws_up(visibility=Visibility.LEADER, leader_id=office.mara.id)
    await office.moves(promotions.submit, SOL, one)
    await office.moves(promotions.approve, office.mara, one)
    await jobs.move_promotions(office.database)

    assert (await office.moves(promotions.pause, office.mara, one)).status is Status.PAUSED
    assert await found(office, leader_id=office.mara.id) == []
    with pytest.raises(promotions.NotYourPromotion):
        await office.moves(promotions.cancel, office.mara, one)


async def test_nobody_moves_what_is_not_theirs(office):
    one = await office.draws_up()

    for deed in (promotions.submit, promotions.pause, promotions.resume, promotions.cancel):
        for stranger in (LUNA, office.mara):
            with pytest.raises(promotions.NotYourPromotion):
                await office.moves(deed, stranger, one)

    assert await office.now(one) == one
    assert await office.sees(promotions.promotions_seen_by, LUNA) == []
    assert await office.sees(promotions.promotions_seen_by, office.mara) == []
    assert await office.sees(promotions.promotions_seen_by, SOL) == [one]
    assert await office.sees(promotions.promotions_seen_by, ADMIN, status="draft") == [one]
    assert await office.sees(promotions.promotions_seen_by, ADMIN, status="active") == []


async def test_a_leader_sees_what_is_meant_for_their_audience_once_it_is_sent_off(office):
    one = await office.draws_up(visibility=Visibility.LEADER, leader_id=office.mara.id)
    seen = [await office.sees(promotions.promotions_seen_by, office.mara)]
    assert not promotions.may_see(office.mara, one)

    sent = await office.moves(promotions.submit, SOL, one)
    seen.append(await office.sees(promotions.promotions_seen_by, office.mara))

    assert seen == [[], [sent]]
    assert promotions.may_see(office.mara, sent)


async def test_only_a_draft_is_edited_and_only_as_it_was_seen(office):
    one = await office.draws_up()
    better = a_promotion_draft(rule=a_rule(id="", effect=Percent(bp=2_000), starts_at=NOON))
    edited = await office.does(promotions.edit, SOL, one.id, better, expected_version=1)
    assert (edited.version, edited.rule.effect) == (2, Percent(bp=2_000))

    with pytest.raises(promotions.StalePromotion):
        await office.does(promotions.edit, SOL, one.id, better, expected_version=1)
    with pytest.raises(promotions.NotYourPromotion):
        await office.does(promotions.edit, LUNA, one.id, better, expected_version=2)
    asked = await office.moves(promotions.submit, SOL, one)
    with pytest.raises(IllegalMove):
        await office.does(promotions.edit, SOL, one.id, better, expected_version=asked.version)
    assert await office.now(one) == asked


async def test_a_save_from_an_old_version_is_contended(office):
    from commerce.promotions import store

    one = await office.draws_up()
    with pytest.raises(Contended):
        await office.does(store.save, replace(one, version=5))


EUR = {"EUR": 500}
BAD = [
    ({"rule": {"effect": Percent(bp=-5)}}, "percent", "too_small"),
    ({"rule": {"effect": Percent(bp=10_001)}}, "percent", "over_100"),
    ({"rule": {"effect": Fixed(amounts_minor={"EUR": -1})}}, "amount", "too_small"),
    ({"rule": {"effect": Fixed(amounts_minor={})}}, "amount", "missing"),
    ({"rule": {"effect": Fixed(amounts_minor={"EURO": 5})}}, "amount", "unknown_currency"),
    ({"rule": {"effect": BuyGet(buy=0, get=1)}}, "buy", "too_small"),
    ({"rule": {"effect": BuyGet(buy=1, get=101)}}, "get", "too_large"),
    ({"rule": {"effect": Tiered()}}, "tiers", "missing"),
    ({"rule": {"effect": Tiered(by_quantity=((3, 500), (2, 700)))}}, "tiers", "not_rising"),
    ({"rule": {"ends_at": NOON}}, "ends", "end_before_start"),
    ({"rule": {"title": {"en": " "}}}, "title", "missing"),
    ({"rule": {"title": {"en": "x" * 81}}}, "title", "too_long"),
    ({"rule": {"per_fan": 0}}, "per_fan", "too_small"),
    ({"total_limit": 0}, "total_limit", "too_small"),
    ({"rule": {"maximum_minor": {"EUR": 0}}}, "maximum", "too_small"),
    ({"rule": {"conditions": Conditions(weekdays=(7,))}}, "weekdays", "unknown"),
    ({"rule": {"conditions": Conditions(minutes=(5, 5))}}, "hours", "unknown"),
    ({"rule": {"conditions": Conditions(min_quantity=-1)}}, "min_quantity", "too_small"),
    ({"rule": {"conditions": Conditions(min_worth_minor={"EUR": -1})}}, "min_worth", "too_small"),
    ({"kind": Kind.CAMPAIGN, "products": ["shirt"]}, "products", "count"),
    ({"kind": Kind.CAMPAIGN, "products": ["shirt", "hat", "c", "d"]}, "products", "count"),
    ({"kind": Kind.CAMPAIGN, "products": ["shirt", "shirt"]}, "products", "count"),
    ({"kind": Kind.SINGLE}, "products", "count"),
    ({"products": ["shirt"]}, "products", "count"),
    ({"kind": Kind.SINGLE, "products": ["nothing"]}, "products", "unknown"),
    ({"kind": Kind.SINGLE, "products": ["shirt"],
      "rule": {"effect": Fixed(amounts_minor={"USD": 5})}}, "amount", "no_amount_in_currency"),
    ({"kind": Kind.CAMPAIGN, "products": ["shirt", "hat"],
      "rule": {"effect": Bundle(product_ids=("shirt",), prices_minor=EUR)}},
     "products", "not_the_bundle"),
    ({"visibility": Visibility.LEADER}, "leader", "missing"),
    ({"visibility": Visibility.LEADER, "leader_id": "nobody"}, "leader", "unknown"),
]  # fmt: skip


async def refused_for(office, wrong):
    facts = dict(wrong)
    products = facts.pop("products", None)
    rule = a_rule(id="", starts_at=NOON, **facts.pop("rule", {}))
    if products:
        rule = replace(rule, conditions=replace(rule.conditions, product_ids=tuple(products)))
    with pytest.raises(promotions.BadPromotion) as refused:
        await office.draws_up(rule=rule, **facts)
    return refused.value.facts["field"], refused.value.facts["reason"]


async def test_what_cannot_be_so_is_refused_and_named(office):
    assert [await refused_for(office, wrong) for wrong, _, _ in BAD] == [
        (field, reason) for _, field, reason in BAD
    ]
    assert await office.sees(promotions.promotions_seen_by, ADMIN) == []


async def test_a_supplier_promotes_their_own_products_while_they_are_active(office):
    single = {"kind": Kind.SINGLE, "rule": a_rule(
        id="", starts_at=NOON, conditions=Conditions(product_ids=("shirt",)))}  # fmt: skip
    with pytest.raises(promotions.NotYourProduct):
        await office.draws_up(LUNA, **single)
    one = await office.draws_up(SOL, **single)
    asked = await office.moves(promotions.submit, SOL, await office.draws_up(SOL, **single))
    paused = await office.runs(SOL, **single)
    await jobs.move_promotions(office.database)
    paused = await office.moves(promotions.pause, SOL, paused)
    await office.does(suppliers.move, "sol", suppliers.Action.SUSPEND)

    for deed in (
        lambda: office.moves(promotions.resume, SOL, paused),
        lambda: office.draws_up(SOL, **single),
        lambda: office.moves(promotions.submit, SOL, one),
        lambda: office.moves(promotions.approve, ADMIN, asked),
        lambda: office.draws_up(ADMIN, **single),
    ):
        with pytest.raises(promotions.SupplierNotActive):
            await deed()
    before = [one, asked, paused]
    assert [await office.now(each) for each in before] == before
    unknown = replace(LUNA, supplier_id="unverified")
    with pytest.raises(promotions.SupplierNotActive):
        await office.draws_up(unknown)


async def test_a_leader_promotes_to_their_own_audience_only(office):
    for visibility, leader in ((Visibility.GLOBAL, ""), (Visibility.LEADER, "tobi")):
        with pytest.raises(promotions.BadPromotion) as refused:
            await office.draws_up(office.mara, visibility=visibility, leader_id=leader)
        assert refused.value.facts["reason"] == "not_your_audience"
    nobody = replace(office.mara, roles=frozenset())
    with pytest.raises(NotAllowed):
        await office.draws_up(nobody)


async def test_what_has_ended_before_it_began_is_not_asked_for(office, clock):
    one = await office.draws_up(rule=a_rule(id="", starts_at=NOON, ends_at=NOON + DAY))
    clock.advance(DAY)

    with pytest.raises(promotions.BadPromotion) as refused:
        await office.moves(promotions.submit, SOL, one)

    assert refused.value.facts == {"field": "ends", "reason": "in_the_past"}
    assert await office.now(one) == one


async def test_rules_are_found_by_what_they_aim_at_and_only_by_that(office):
    def rule(**asked):
        return a_rule(id="", starts_at=NOON, conditions=Conditions(**asked))

    ids = {}
    for name, kind, asked in (
        ("shirt", Kind.SINGLE, {"product_ids": ("shirt",)}),
        ("category", Kind.DEFAULT, {"category_ids": ("wear",)}),
        ("session", Kind.DEFAULT, {"session_ids": ("s1",)}),
        ("all", Kind.DEFAULT, {}),
    ):
        ids[(await office.runs(ADMIN, kind=kind, rule=rule(**asked))).id] = name
    ids[(await office.runs(SOL)).id] = "supplier"

    async def names(supplier_ids=(), **sought):
        rules = await found(office, supplier_ids=supplier_ids, **sought)
        return sorted(ids[one] for one in rules)

    assert await names() == ["all"]
    assert await names(product_ids=["shirt", "x"]) == ["all", "shirt"]
    assert await names(category_ids=["top", "wear"], supplier_ids=["sol"]) == [
        "all", "category", "supplier",
    ]  # fmt: skip
    assert await names(session_id="s1", leader_id="x") == ["all", "session"]
    assert (await office.sees(_all, TARGETS.select()))[0]["target"].startswith("*|")


async def test_the_policy_is_set_once_per_version_by_who_may(office):
    assert await office.sees(promotions.policy) == Policy()
    new = Policy(maximum_bp=4_000, margin_bp=300, timezone="Europe/Lisbon")
    for by, given, refusal in (
        (SOL, new, NotAllowed),
        (ADMIN, replace(new, maximum_bp=10_001), promotions.BadPolicy),
        (ADMIN, replace(new, timezone="Mars/Olympus"), promotions.BadPolicy),
    ):
        with pytest.raises(refusal):
            await office.does(promotions.set_policy, by, given)

    assert await office.does(promotions.set_policy, ADMIN, new) == replace(new, version=2)
    assert await office.sees(promotions.policy) == replace(new, version=2)
    with pytest.raises(promotions.StalePromotion):
        await office.does(promotions.set_policy, ADMIN, new)


async def test_who_is_new_is_new_in_one_basket_only(office):
    rule = a_rule(id="", conditions=Conditions(first_purchase=True))

    drawn = await office.draws_up(rule=rule)

    assert drawn.rule.per_fan == 1
    assert (await office.now(drawn)).rule.per_fan == 1
