"""Promotions in the back office: drawn up, previewed, sent off, agreed to, stopped, and told."""

from __future__ import annotations

import csv
import io
from functools import partial

from aiohttp import web

from backoffice import (
    forms,
    promotion_board,
    promotion_forms,
    promotion_preview,
    promotion_typed,
    words,
)
from backoffice import words_promotions as own_words
from backoffice.deeds import will_of
from backoffice.desk import Desk, Page, Visit, see_other
from backoffice.promotion_forms import Form, Shop, Wrong
from commerce import accounts, catalog, promotions
from commerce.accounts import Action
from commerce.kernel import audit, clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.promotions import Draft, Mode, Policy, Promotion, Status

HERE = "/backoffice/promotions"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}"
DEEDS = {
    "submit": promotions.submit,
    "approve": promotions.approve,
    "reject": promotions.reject,
    "pause": promotions.pause,
    "resume": promotions.resume,
    "cancel": promotions.cancel,
}
REFUSALS = (
    promotions.BadPromotion,
    promotions.NotYourProduct,
    promotions.SupplierNotActive,
    promotions.StalePromotion,
)
CODES_SHOWN = 50
PREVIEW = "preview"


class PromotionPages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, promote = self._desk.guarded, Action.PROMOTE
        approve = Action.APPROVE_PROMOTIONS
        deeds = [
            web.post(f"{ONE}/{name}", guarded(self._deed(name), promote, approve)) for name in DEEDS
        ]
        return [
            web.get(HERE, guarded(self.listed, promote, approve), allow_head=False),
            web.get(f"{HERE}/new", guarded(self.form, promote), allow_head=False),
            web.post(f"{HERE}/new", guarded(self.draw_up, promote)),
            web.get(f"{HERE}/policy", guarded(self.policy, approve), allow_head=False),
            web.post(f"{HERE}/policy", guarded(self.set_policy, approve)),
            web.get(ONE, guarded(self.one, promote, approve), allow_head=False),
            web.get(f"{ONE}/edit", guarded(self.form, promote), allow_head=False),
            web.post(f"{ONE}/edit", guarded(self.draw_up, promote)),
            web.get(f"{ONE}/codes.csv", guarded(self.codes, promote), allow_head=False),
            web.post(f"{ONE}/codes", guarded(self.add_codes, promote)),
            *deeds,
        ]

    async def listed(self, request: web.Request, visit: Visit) -> web.Response:
        status = request.query.get("status", "")
        status = status if status in set(Status) else ""
        page = forms.page_number(request.query.get("page", ""))

        async def read(tx: Tx) -> tuple[list[Promotion], list[Promotion], dict[str, str]]:
            found = await promotions.promotions_seen_by(tx, visit.staff, status=status, page=page)
            return found, await promotions.waiting_for(tx, visit.staff), await _names(tx)

        found, waiting, names = await self._desk.database.read(read)
        return self._desk.page(
            "promotions.html",
            visit,
            here=HERE,
            found=found,
            waiting=waiting,
            names=names,
            chosen=status,
            page=page,
            words=own_words,
            may_set_policy=visit.may(Action.APPROVE_PROMOTIONS),
            notice=own_words.NOTICES.get(request.query.get("said", ""), ""),
        )

    async def one(self, request: web.Request, visit: Visit) -> web.Response:
        return await self._page_of(request, visit)

    async def _page_of(
        self,
        request: web.Request,
        visit: Visit,
        *,
        status: int = 200,
        typed: Form | None = None,
        reason: str = "",
    ) -> web.Response:
        promotion_id = request.match_info["id"]

        async def read(tx: Tx) -> dict[str, object]:
            promotion = await _seen(tx, visit, promotion_id)
            return {
                "promotion": promotion,
                "told": await promotion_board.told(tx, promotion),
                "history": await audit.about(tx, f"promotion:{promotion_id}"),
                "codes": await promotions.coupons_of(tx, promotion_id, size=CODES_SHOWN),
                "codes_in_all": await promotions.count_coupons(tx, promotion_id),
                "names": await _names(tx),
                "deeds": promotion_board.deeds(visit.staff, promotion),
                "preview": await _preview(tx, visit, promotion),
                "products": await catalog.products(tx, promotion.rule.conditions.product_ids),
                "timezone": (await promotions.policy(tx)).timezone,
                "may_manage": promotions.may_manage(visit.staff, promotion),
            }

        known = await self._desk.database.read(read)
        problem = request.query.get("problem", "")
        return self._desk.page(
            "promotion.html",
            visit,
            status=status,
            here=HERE,
            words=own_words,
            form=typed or Form(typed={}, key=ids.new_id()),
            keys={name: ids.new_id() for name in DEEDS},
            reason=reason,
            percent=promotion_typed.percent,
            written=promotion_typed.written,
            notice=own_words.NOTICES.get(request.query.get("said", ""), ""),
            problem=own_words.problem(problem) or words.problem(problem),
            **known,
        )

    async def form(self, request: web.Request, visit: Visit) -> web.Response:
        promotion_id = request.match_info.get("id", "")

        async def read(tx: Tx) -> tuple[Form, Shop]:
            shop = await promotion_board.shop_of(tx, visit.staff)
            copied = request.query.get("like", "")
            if promotion_id:
                promotion = await _seen(tx, visit, promotion_id)
                return promotion_typed.filled(promotion, shop, ids.new_id()), shop
            if forms.ID.fullmatch(copied):
                like = await _seen(tx, visit, copied)
                return promotion_typed.filled(like, shop, ids.new_id()), shop
            return Form(typed={"effect": "percent"}, key=ids.new_id()), shop

        form, shop = await self._desk.database.read(read)
        return self._form_page(visit, promotion_id, form, shop)

    def _form_page(
        self,
        visit: Visit,
        promotion_id: str,
        form: Form,
        shop: Shop,
        *,
        status: int = 200,
        preview: list[promotion_preview.Line] | None = None,
    ) -> web.Response:
        return self._desk.page(
            "promotion_edit.html",
            visit,
            status=status,
            here=HERE,
            promotion_id=promotion_id,
            form=form,
            shop=shop,
            words=own_words,
            preview=preview,
            problem=form.errors.get(promotion_forms.WHOLE, own_words.LOOK) if form.errors else "",
        )

    async def draw_up(self, request: web.Request, visit: Visit) -> web.Response:
        """Kept, or looked at first: then nothing is written."""
        promotion_id = request.match_info.get("id", "")
        form = promotion_forms.read(visit.fields, _key(visit))
        shop = await self._desk.database.read(lambda tx: promotion_board.shop_of(tx, visit.staff))
        try:
            draft = promotion_forms.draft_of(form, shop, clock.now())
            if form.get("act") == PREVIEW:
                shown = await self._desk.database.read(lambda tx: _example(tx, visit, draft))
                return self._form_page(visit, promotion_id, form, shop, preview=shown)
            saved = await self._desk.database.unit_of_work(
                lambda tx: _save(tx, visit, draft, promotion_id, form)
            )
        except Wrong as wrong:
            form = form.wrong(wrong.field, wrong.sentence)
            return self._form_page(visit, promotion_id, form, shop, status=422)
        except REFUSALS as refusal:
            form = form.refused(refusal)
            return self._form_page(visit, promotion_id, form, shop, status=422)
        return see_other(f"{HERE}/{saved.id}?said={'saved' if promotion_id else 'made'}")

    def _deed(self, name: str) -> Page:
        async def carried_out(request: web.Request, visit: Visit) -> web.Response:
            promotion_id, will = request.match_info["id"], will_of(visit)

            async def work(tx: Tx) -> None:
                await _seen(tx, visit, promotion_id)
                await DEEDS[name](tx, visit.staff, promotion_id, will)

            try:
                await self._desk.database.unit_of_work(work)
            except audit.ReasonMissing as refusal:
                typed = Form(typed={}, key=will.key, errors={name: own_words.of_refusal(refusal)})
                return await self._page_of(
                    request, visit, status=422, typed=typed, reason=will.reason
                )
            except Refusal as refusal:
                code = refusal.code if own_words.problem(refusal.code) else words.NOT_POSSIBLE
                return see_other(f"{HERE}/{promotion_id}?problem={code}")
            return see_other(f"{HERE}/{promotion_id}?said={name}")

        return carried_out

    async def add_codes(self, request: web.Request, visit: Visit) -> web.Response:
        promotion_id = request.match_info["id"]
        form = promotion_forms.read(visit.fields, _key(visit))

        async def work(tx: Tx) -> None:
            await _seen(tx, visit, promotion_id)
            most = promotion_forms.number(form, "most")
            if form.get("code"):
                await promotions.add_code(
                    tx, visit.staff, promotion_id, form.get("code"), most=most
                )
                return
            await promotions.generate_codes(
                tx,
                visit.staff,
                promotion_id,
                promotion_forms.needed(form, "count"),
                prefix=form.get("prefix"),
                most=most,
                batch=form.key,
            )

        try:
            await self._desk.database.unit_of_work(work)
        except Wrong as wrong:
            form = form.wrong(wrong.field, wrong.sentence)
            return await self._page_of(request, visit, status=422, typed=form)
        except promotions.CodeTaken as refusal:
            form = form.wrong("code", own_words.of_refusal(refusal))
            return await self._page_of(request, visit, status=422, typed=form)
        except promotions.BadCode as refusal:
            form = form.wrong(str(refusal.facts["field"]), own_words.of_refusal(refusal))
            return await self._page_of(request, visit, status=422, typed=form)
        return see_other(f"{HERE}/{promotion_id}?said=codes#codes")

    async def codes(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """All of them, page by page; a code is letters and digits, so no cell is a formula."""
        promotion_id = request.match_info["id"]
        await self._desk.database.read(lambda tx: _managed(tx, visit, promotion_id))
        answer = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": 'attachment; filename="codes.csv"',
                "Cache-Control": "no-store",
            }
        )
        await answer.prepare(request)
        await answer.write(b"code,times,used\r\n")
        page = 1
        while found := await self._desk.database.read(
            partial(promotions.coupons_of, promotion_id=promotion_id, page=page)
        ):
            text = io.StringIO()
            csv.writer(text).writerows((one.code, one.most or "", one.used) for one in found)
            await answer.write(text.getvalue().encode())
            page += 1
        await answer.write_eof()
        return answer

    async def policy(self, request: web.Request, visit: Visit) -> web.Response:
        policy = await self._desk.database.read(promotions.policy)
        typed = {
            "mode": policy.mode.value,
            "maximum_bp": promotion_typed.percent(policy.maximum_bp),
            "margin_bp": promotion_typed.percent(policy.margin_bp),
            "timezone": policy.timezone,
            "version": str(policy.version),
        }
        return self._policy_page(visit, Form(typed=typed, key=""))

    def _policy_page(self, visit: Visit, form: Form, *, status: int = 200) -> web.Response:
        return self._desk.page(
            "promotion_policy.html", visit, status=status, here=HERE, form=form, words=own_words
        )

    async def set_policy(self, request: web.Request, visit: Visit) -> web.Response:
        form = promotion_forms.read(visit.fields, "")
        try:
            given = _policy_of(form)
            await self._desk.database.unit_of_work(
                lambda tx: promotions.set_policy(tx, visit.staff, given)
            )
        except Wrong as wrong:
            return self._policy_page(visit, form.wrong(wrong.field, wrong.sentence), status=422)
        except (promotions.BadPolicy, promotions.StalePromotion) as refusal:
            name = str(refusal.facts.get("field", "mode"))
            said = own_words.of_refusal(refusal)
            return self._policy_page(visit, form.wrong(name, said), status=422)
        return see_other(f"{HERE}?said=policy")


def _key(visit: Visit) -> str:
    key = visit.fields.get("key", "")
    return key if forms.ID.fullmatch(key) else ids.new_id()


def _policy_of(form: Form) -> Policy:
    if form.get("mode") not in set(Mode):
        raise Wrong("mode", own_words.CHOOSE)
    return Policy(
        mode=Mode(form.get("mode")),
        maximum_bp=promotion_forms.basis_points(form, "maximum_bp"),
        margin_bp=promotion_forms.basis_points(form, "margin_bp"),
        timezone=form.get("timezone"),
        version=form.version,
    )


async def _seen(tx: Tx, visit: Visit, promotion_id: str) -> Promotion:
    """For those who may look at it; for the others there is none."""
    try:
        found = await promotions.promotion(tx, promotion_id)
    except promotions.NoSuchPromotion:
        raise web.HTTPNotFound() from None
    if not promotions.may_see(visit.staff, found):
        raise web.HTTPNotFound()
    return found


async def _managed(tx: Tx, visit: Visit, promotion_id: str) -> None:
    if not promotions.may_manage(visit.staff, await _seen(tx, visit, promotion_id)):
        raise web.HTTPNotFound()


async def _save(tx: Tx, visit: Visit, draft: Draft, promotion_id: str, form: Form) -> Promotion:
    if not promotion_id:
        return await promotions.draw_up(tx, visit.staff, draft, promotion_id=form.key)
    await _managed(tx, visit, promotion_id)
    return await promotions.edit(
        tx, visit.staff, promotion_id, draft, expected_version=form.version
    )


async def _example(tx: Tx, visit: Visit, draft: Draft) -> list[promotion_preview.Line]:
    """As it would be kept, but it is not."""
    return await _preview(tx, visit, await promotions.sketch(tx, visit.staff, draft))


async def _preview(tx: Tx, visit: Visit, promotion: Promotion) -> list[promotion_preview.Line]:
    known = await promotion_board.products_of(tx, visit.staff)
    goods = await promotion_preview.goods_for(tx, promotion, known)
    paths = await catalog.category_paths(tx, [product.category_id for product in goods])
    policy = await promotions.policy(tx)
    return promotion_preview.lines(promotion.rule, goods, paths, policy)


async def _names(tx: Tx) -> dict[str, str]:
    return {person.id: person.name for person in await accounts.all_staff(tx)}
