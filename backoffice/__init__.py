"""The back office: server-rendered pages for leaders, suppliers and admins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web
from jinja2 import Environment

from backoffice.category_pages import CategoryPages
from backoffice.console import Console, ShareLink
from backoffice.delivery_pages import DeliveryPages
from backoffice.desk import Desk
from backoffice.feed import Feeds
from backoffice.flash_console import FlashConsole
from backoffice.flash_pages import FlashPages
from backoffice.listing_pages import ListingPages
from backoffice.lists import Lists
from backoffice.offers_pages import OffersPages
from backoffice.operations import Operations
from backoffice.operations_books import OperationsBooks
from backoffice.operations_money import OperationsMoney
from backoffice.operations_parked import OperationsParked
from backoffice.pictures_pages import PicturesPages
from backoffice.price_pages import PricePages
from backoffice.product_pages import ProductPages
from backoffice.promotion_pages import PromotionPages
from backoffice.reconciliation import Reconciliation
from backoffice.sheets_pages import SheetsPages
from backoffice.signing_in import SigningIn
from backoffice.stock_pages import StockPages
from backoffice.warehouse_pages import WarehousePages
from commerce import catalog, payments
from commerce.kernel.database import Database
from commerce.kernel.fanout import Fanout

__all__ = ["Backoffice", "ShareLink"]


def _peer(request: web.Request) -> str:
    return request.remote or ""


class Backoffice:
    """All pages under /backoffice."""

    def __init__(
        self,
        *,
        database: Database,
        templates: Environment,
        fanout: Fanout,
        secret_key: str,
        public_url: str,
        media: catalog.Media,
        share_links: Sequence[ShareLink] = (),
        gateways: payments.Gateways | None = None,
        client_address: Callable[[web.Request], str] = _peer,
    ) -> None:
        desk = Desk(
            database=database, templates=templates, secret_key=secret_key, public_url=public_url
        )
        room = ShareLink("Live room", f"{public_url.rstrip('/')}/live/{{slug}}")
        self._feeds = Feeds(fanout)
        links = (room, *share_links)
        console = Console(desk, fanout=fanout, feeds=self._feeds, share_links=links)
        self._pages = (
            SigningIn(desk, client_address),
            console,
            FlashConsole(desk, fanout, console),
            FlashPages(desk),
            Lists(desk),
            ProductPages(desk),
            PricePages(desk),
            CategoryPages(desk),
            ListingPages(desk, media),
            StockPages(desk),
            PromotionPages(desk),
            OffersPages(desk),
            WarehousePages(desk),
            DeliveryPages(desk),
            PicturesPages(desk, media),
            SheetsPages(desk),
            Operations(desk),
            OperationsParked(desk),
            OperationsMoney(desk),
            OperationsBooks(desk),
            Reconciliation(desk, gateways or {}),
        )

    def routes(self) -> list[web.AbstractRouteDef]:
        return [route for page in self._pages for route in page.routes()]

    def close(self) -> None:
        """Ends the open feeds, so that a shutdown does not wait for them."""
        self._feeds.close()
