"""What I sell: a leader's own terms for the products of suppliers, within the suppliers' limits."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web
from aiohttp.web_request import FileField

from backoffice import forms, listing_forms, words_pictures
from backoffice import words_products as words
from backoffice.desk import Desk, Visit, see_other
from backoffice.listing_forms import ListingForm
from backoffice.product_forms import WHOLE
from commerce import catalog
from commerce.accounts import Action
from commerce.catalog import Listing, ListingAction, NoSuchProduct, Product, Terms
from commerce.kernel.database import Tx
from commerce.kernel.errors import Outage, Refusal

HERE = "/backoffice/listings"
ONE = f"{HERE}/{{id:{forms.ID.pattern}}}"
BYTES_MAX = 16 * 1024 * 1024  # of the form with its picture, which has a limit of its own


class ListingPages:
    def __init__(self, desk: Desk, media: catalog.Media) -> None:
        self._desk = desk
        self._media = media

    def routes(self) -> list[web.AbstractRouteDef]:
        guarded, edit = self._desk.guarded, Action.EDIT_LISTINGS
        return [
            web.get(HERE, guarded(self.listings, edit), allow_head=False),
            web.get(ONE, guarded(self.listing, edit), allow_head=False),
            web.post(ONE, guarded(self.save, edit, files=True, bytes_max=BYTES_MAX)),
            web.post(f"{ONE}/move", guarded(self.move, edit)),
        ]

    async def listings(self, request: web.Request, visit: Visit) -> web.Response:
        async def read(tx: Tx) -> list[tuple[Listing, Product]]:
            found = await catalog.listings_of(tx, visit.staff.id)
            products = await catalog.products(tx, [one.product_id for one in found])
            by_id = {product.id: product for product in products}
            return [(one, by_id[one.product_id]) for one in found if one.product_id in by_id]

        return self._desk.page(
            "listings.html",
            visit,
            here=HERE,
            rows=await self._desk.database.read(read),
            notice=words.NOTICES.get(request.query.get("said", ""), ""),
            problem=words.problem(request.query.get("problem", "")),
        )

    async def listing(self, request: web.Request, visit: Visit) -> web.Response:
        product, listing = await self._desk.database.read(lambda tx: _read(tx, request, visit))
        form = listing_forms.of(product, listing)
        return self._form_page(visit, product, listing, form)

    def _form_page(
        self,
        visit: Visit,
        product: Product,
        listing: Listing | None,
        form: ListingForm,
        *,
        status: int = 200,
        problem: str = "",
    ) -> web.Response:
        return self._desk.page(
            "listing.html",
            visit,
            here=HERE,
            status=status,
            product=product,
            listing=listing,
            form=form,
            pictures=listing_forms.pictures_of(product, listing.image if listing else ""),
            problem=problem,
        )

    async def save(self, request: web.Request, visit: Visit) -> web.Response:
        product, listing = await self._desk.database.read(lambda tx: _read(tx, request, visit))
        form, terms = listing_forms.read(visit.fields, product, listing)
        if form.errors:
            return self._form_page(visit, product, listing, form, status=422, problem=words.LOOK)
        try:
            await self._put(visit, product, terms, form.version, await _picture(request))
        except catalog.StaleListing as stale:
            product, listing = await self._desk.database.read(lambda tx: _read(tx, request, visit))
            again = replace(form, version=listing.version if listing else None)
            said = words.of_refusal(stale)
            return self._form_page(visit, product, listing, again, status=409, problem=said)
        except Refusal as refusal:
            wrong = _refused(form, refusal)
            return self._form_page(visit, product, listing, wrong, status=422, problem=words.LOOK)
        except Outage:
            busy = form.wrong("image", words_pictures.BUSY)
            return self._form_page(visit, product, listing, busy, status=422, problem=words.LOOK)
        return see_other(f"{HERE}?said=listed")

    async def _put(
        self, visit: Visit, product: Product, terms: Terms, version: int | None, picture: bytes
    ) -> None:
        """The terms, with a picture of the leader's own where they sent one: both or neither."""

        async def put(tx: Tx, image: str) -> Listing:
            return await catalog.put_listing(
                tx,
                leader_id=visit.staff.id,
                product_id=product.id,
                terms=replace(terms, image=image),
                expected_version=version,
            )

        async def check(tx: Tx, image: str) -> None:
            catalog.check_terms(terms, await catalog.product(tx, product.id))

        if picture:
            await self._media.take(picture, check=check, name=put)
        else:
            await self._desk.database.unit_of_work(lambda tx: put(tx, terms.image))

    async def move(self, request: web.Request, visit: Visit) -> web.Response:
        act, version = visit.fields.get("act", ""), visit.fields.get("version", "")
        if act not in set(ListingAction) or not WHOLE.fullmatch(version):
            raise web.HTTPBadRequest()

        async def work(tx: Tx) -> None:
            listing = (await _read(tx, request, visit))[1]
            if listing is None:
                raise catalog.NotYourListing(product_id=request.match_info["id"])
            await catalog.move_listing(
                tx,
                listing.id,
                ListingAction(act),
                leader_id=visit.staff.id,
                expected_version=int(version),
            )

        try:
            await self._desk.database.unit_of_work(work)
        except Refusal as refusal:
            return see_other(f"{HERE}?problem={refusal.code}")
        return see_other(f"{HERE}?said={act}")


async def _picture(request: web.Request) -> bytes:
    """The file that was sent with the form; nothing where none was chosen."""
    sent = (await request.post()).get("picture")
    return sent.file.read() if isinstance(sent, FileField) and sent.filename else b""


def _refused(form: ListingForm, refusal: Refusal) -> ListingForm:
    """The sentence at the field it is about."""
    said = words.of_refusal(refusal) or words.problem("illegal_move")
    if isinstance(refusal, catalog.PriceOutsideLimits):
        return form.wrong(f"price:{refusal.facts['sku']}", said)
    if isinstance(refusal, catalog.PictureRefused):
        return form.wrong("image", words_pictures.of_refusal(refusal))
    if isinstance(refusal, catalog.ShareTooHigh):
        return form.wrong("share", said)
    if isinstance(refusal, catalog.BadListing) and refusal.facts["field"] == "title":
        return form.wrong("title", words.too_long(forms.TITLE_MAX, len(form.title)))
    return form.wrong("styles", said)


async def _read(tx: Tx, request: web.Request, visit: Visit) -> tuple[Product, Listing | None]:
    """The product of the address and what this leader lists of it; a draft does not exist."""
    product_id = request.match_info["id"]
    try:
        product = await catalog.product(tx, product_id)
    except NoSuchProduct:
        raise web.HTTPNotFound() from None
    mine = await catalog.listings_of(tx, visit.staff.id)
    listing = next((one for one in mine if one.product_id == product_id), None)
    if not product.sellable and listing is None:
        raise web.HTTPNotFound()
    return product, listing
