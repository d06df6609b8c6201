"""Personal offers and tiers in the back office: switched, measured and explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from backoffice import offers_board, offers_forms, pages
from backoffice import words_offers as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.offers_forms import Form
from commerce import catalog, loyalty, offers
from commerce.accounts import Action
from commerce.kernel import audit
from commerce.kernel.database import Tx
from commerce.offers import Kind

HERE = "/backoffice/offers"


class OffersPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, decide = self._desk.guarded, Action.APPROVE_PROMOTIONS
        posts = {
            "rules": self.set_rules,
            "exempt": self.exempt,
            "admit": self.admit,
            "tier": self.put_tier,
            "tier/remove": self.remove_tier,
        }
        return [
            web.get(HERE, guarded(self.page, decide), allow_head=False),
            *(web.post(f"{HERE}/{path}", guarded(work, decide)) for path, work in posts.items()),
        ]

    async def page(self, request: web.Request, visit: Visit) -> web.Response:
        said = words.NOTICES.get(request.query.get("said", ""), "")
        return await self._page(visit, notice=said)

    async def _page(
        self,
        visit: Visit,
        *,
        status: int = 200,
        rules: Form | None = None,
        sku: Form | None = None,
        tier: Form | None = None,
        **said: str,
    ) -> web.Response:
        board = await self._desk.database.read(offers_board.of)
        return self._desk.page(
            "offers.html",
            visit,
            here=HERE,
            status=status,
            board=board,
            words=words,
            form=rules or offers_forms.of_rules(board.rules),
            sku=sku or Form(),
            tier=tier or Form(),
            percent=offers_forms.percent,
            left_minor=offers_board.left_minor,
            minor_of=offers_board.minor_of,
            fans_min=offers.FANS_MIN,
            name_max=loyalty.NAME_MAX,
            money=pages.money,
            **said,
        )

    async def set_rules(self, request: web.Request, visit: Visit) -> web.Response:
        form = offers_forms.checked_rules(Form(visit.fields))
        if form.errors:
            return await self._page(visit, status=422, rules=form)
        on = form.get("on") == "on"

        async def work(tx: Tx) -> str:
            before = (await offers.rules(tx)).on_since is not None
            await offers.set_rules(
                tx,
                on=on,
                held_out_bp=offers_forms.bp(form.get("held_out_bp")) or 0,
                explore_bp=offers_forms.bp(form.get("explore_bp")) or 0,
                minutes=int(form.get("minutes")),
                expected_version=offers_forms.version(form),
            )
            said = "set" if on == before else form.get("on")
            await _noted(tx, visit, f"offers.{said}", form.get("held_out_bp"))
            return said

        try:
            said = await self._desk.database.unit_of_work(work)
        except offers.BadOfferRules as refusal:
            return await self._page(visit, status=422, rules=form.wrong(words.of_field(refusal)))
        except offers.OfferRulesChanged as refusal:
            fresh = await self._desk.database.read(offers.rules)
            again = Form({**form.fields, "version": str(fresh.version)})
            said = words.problem(refusal.code)
            return await self._page(visit, status=409, rules=again, problem=said)
        return see_other(f"{HERE}?said={said}")

    async def exempt(self, request: web.Request, visit: Visit) -> web.Response:
        form = Form(visit.fields)

        async def work(tx: Tx) -> bool:
            sku = form.get("sku")
            product = (await catalog.products_of_skus(tx, [sku])).get(sku)
            if product is None:
                return False
            whole = form.get("kind") == Kind.SUPPLIER
            kind = Kind.SUPPLIER if whole else Kind.PRODUCT
            about = product.supplier_id if whole else product.id
            await offers.exempt(tx, kind, about, by=visit.staff.id)
            await _noted(tx, visit, "offers.exempted", f"{kind} {about}")
            return True

        if not await self._desk.database.unit_of_work(work):
            return await self._page(visit, status=422, sku=form.wrong({"sku": words.FIELDS["sku"]}))
        return see_other(f"{HERE}?said=exempted")

    async def admit(self, request: web.Request, visit: Visit) -> web.Response:
        about = visit.fields.get("about", "")
        kind = Kind.SUPPLIER if visit.fields.get("kind") == Kind.SUPPLIER else Kind.PRODUCT

        async def work(tx: Tx) -> None:
            await offers.admit(tx, kind, about)
            await _noted(tx, visit, "offers.admitted", f"{kind} {about}")

        await self._desk.database.unit_of_work(work)
        return see_other(f"{HERE}?said=admitted")

    async def put_tier(self, request: web.Request, visit: Visit) -> web.Response:
        form = offers_forms.checked_tier(Form(visit.fields))
        tier = offers_forms.tier_of(form)
        if form.errors or tier is None:
            return await self._page(visit, status=422, tier=form)
        return await self._changed(
            visit, form, lambda tx: loyalty.put_tier(tx, tier), "tier_set", tier.name
        )

    async def remove_tier(self, request: web.Request, visit: Visit) -> web.Response:
        form = Form(visit.fields)
        name, seen = form.get("name"), offers_forms.version(form)
        return await self._changed(
            visit, Form(), lambda tx: loyalty.remove_tier(tx, name, seen), "tier_removed", name
        )

    async def _changed(
        self,
        visit: Visit,
        form: Form,
        change: Callable[[Tx], Awaitable[None]],
        said: str,
        name: str,
    ) -> web.Response:
        async def work(tx: Tx) -> None:
            await change(tx)
            await _noted(tx, visit, f"loyalty.{said}", name)

        try:
            await self._desk.database.unit_of_work(work)
        except loyalty.BadTier as refusal:
            return await self._page(visit, status=422, tier=form.wrong(words.of_field(refusal)))
        except loyalty.TierChanged as refusal:
            return await self._page(
                visit, status=409, tier=form, problem=words.problem(refusal.code)
            )
        return see_other(f"{HERE}?said={said}")


async def _noted(tx: Tx, visit: Visit, action: str, about: str) -> None:
    await audit.record(
        tx,
        actor=visit.staff.id,
        actor_name=visit.staff.name,
        action=action,
        subject="offers",
        reason=f"by form: {about}"[: audit.REASON_MAX],
    )
