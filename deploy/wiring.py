"""Joins everything: which adapters are in use, who hears whom, and what runs in which process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import Flag, auto
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import jinja2

import bot.handlers
import live.handlers
from bot import step as conversation
from bot.doors import Doors
from bot.reception import Reception
from bot.runtime import Runtime
from bot.texts import Texts
from channels.web import WebChannel
from commerce import catalog, checkout, inventory, payments, promotions
from commerce.accounts import jobs as accounts_jobs
from commerce.catalog import media_jobs, search_handlers, search_jobs, sheets_jobs
from commerce.checkout import jobs as checkout_jobs
from commerce.inventory import jobs as inventory_jobs
from commerce.kernel import clock, logs
from commerce.kernel.bus import RedisBus, RedisConsumer
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.kernel.fanout import LocalFanout, RedisFanout
from commerce.kernel.inbox import Inbox
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.resending import republish_unconsumed
from commerce.kernel.saga_engine import Engine
from commerce.kernel.schedule import Job, Schedule, run_once
from commerce.kernel.sender import Sender
from commerce.kernel.waiting import nudged
from commerce.ledger import jobs as ledger_jobs
from commerce.offers import jobs as offers_jobs
from commerce.payments import jobs as payments_jobs
from commerce.payments.gateways.sandbox_delivery import AT_MOST, SandboxDeliverer, posting_to
from commerce.promotions import flash_handlers, flash_jobs
from commerce.promotions import jobs as promotions_jobs
from deploy import healing, pictures
from deploy.carrying import Carried, PushChannel, StatusReports
from deploy.gateways import gateways, sandbox_secret
from deploy.settings import Settings
from deploy.watch import watch
from live import jobs as live_jobs

TEMPLATES = Path(__file__).parent.parent / "templates"
SANDBOX_IDLE_SECONDS = 1.0
FLUSH_SECONDS = 5
WAKES = ("outbox", "sagas", "refunds", "sandbox", "outgoing:")
log = logs.get(__name__)


class Role(Flag):
    """What a process does; the embedded one does everything."""

    EDGES = auto()  # HTTP, WebSockets
    TURNS = auto()
    SAGAS = auto()
    SENDERS = auto()
    PROVIDERS = auto()  # refunds at once, the sandbox's webhooks
    DISPATCH = auto()  # events go to their hearers in this process
    JOBS = auto()  # the schedule in this process
    PROMPT_JOBS = auto()  # what is due every second, too often for a queue

    RELAY = auto()  # events go to the bus
    HEARING = auto()  # events come from the bus

    WEB = EDGES | TURNS | SAGAS
    WORKER = TURNS | SAGAS | PROVIDERS | PROMPT_JOBS | HEARING
    ALL = EDGES | TURNS | SAGAS | SENDERS | PROVIDERS | DISPATCH | JOBS | PROMPT_JOBS


class Till:
    """The whole product around one database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.fanout: LocalFanout = (
            RedisFanout(settings.redis_url) if settings.redis_url else LocalFanout()
        )
        self.templates = templates()
        self.inbox = Inbox(database)
        self.reception = Reception(self.inbox)
        self.holds = inventory.Holds(database)
        self.gateways = gateways(settings, database)
        self.media = catalog.Media(database, pictures.storage(settings))
        self.web = WebChannel(
            database=database,
            receive=self.reception,
            fanout=self.fanout,
            templates=self.templates,
            secret_key=settings.secret_key.get_secret_value(),
            public_url=settings.url,
        )
        self.channels = push_channels(settings, database, self.reception)
        self.performance = promotions.Performance(database)
        self.runtime = self._runtime()
        self.engine = Engine(database, checkout.definitions(database, self.gateways))
        self.dispatcher = dispatcher(database)
        self.broken = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._news: set[asyncio.Task[None]] = set()
        self._join_processes()

    def _runtime(self) -> Runtime:
        texts = Texts.load(TEMPLATES / "messages")
        doors = Doors(
            database=self.database,
            holds=self.holds,
            provider=self.settings.payment_provider,
            capture=payments.CaptureMode(self.settings.payment_capture),
            hold_seconds=self.settings.hold_seconds,
            public_url=self.settings.url,
            performance=self.performance,
        )
        return Runtime(
            database=self.database,
            step=lambda state, given: conversation.step(state, given, texts=texts, now=clock.now()),
            run_intent=doors.run,
            fanout=self.fanout,
            pull_accounts=[self.web.account],
        )

    async def start(self, roles: Role) -> None:
        """Start the loops of these roles; edges are started by the web application."""
        if isinstance(self.fanout, RedisFanout):
            await self.fanout.start()
        if Role.EDGES in roles:
            await self.web.start()
        for channel in self.channels:
            await channel.start()
        for loop in self._loops_of(roles):
            task = asyncio.create_task(loop)
            task.add_done_callback(self._notice_death)
            self._loops.append(task)

    def _notice_death(self, loop: asyncio.Task[None]) -> None:
        """A loop that died is a bug, and half a till must not go on selling."""
        if not loop.cancelled():
            log.critical("loop_died", loop=repr(loop.get_coro()), exc_info=loop.exception())
            self.broken.set()

    def _loops_of(self, roles: Role) -> list[Coroutine[Any, Any, None]]:
        table: dict[Role, Callable[[], list[Coroutine[Any, Any, None]]]] = {
            Role.TURNS: lambda: [self.runtime.run(), Schedule([self._what_was_seen()]).run()],
            Role.SAGAS: lambda: [self.engine.run()],
            Role.DISPATCH: lambda: [
                Relay(
                    self.database,
                    self.dispatcher.deliver,
                    within=self.dispatcher.deliver_within,
                    proven=True,
                ).run()
            ],
            Role.RELAY: lambda: [self._relay_to_bus()],
            Role.HEARING: lambda: [
                RedisConsumer(self.settings.redis_url, self.database, self.dispatcher).run()
            ],
            Role.SENDERS: lambda: [Sender(self.database, Carried(c)).run() for c in self.channels],
            Role.JOBS: lambda: [Schedule(self._jobs()).run()],
            Role.PROMPT_JOBS: lambda: [Schedule(prompt_jobs(self.database)).run()],
            Role.PROVIDERS: self._provider_loops,
        }
        loops = [loop for role, make in table.items() if role in roles for loop in make()]
        return [*loops, self._hear_wakes()] if isinstance(self.fanout, RedisFanout) else loops

    def _what_was_seen(self) -> Job:
        """Fans are shown promotions in this process, so it is this process that writes it down."""
        flush = self.performance.flush
        return Job(name="flush_performance", every_seconds=FLUSH_SECONDS, work=flush)

    def _jobs(self) -> list[Job]:
        return jobs(self.database, self.gateways, self.media.storage)

    def _provider_loops(self) -> list[Coroutine[Any, Any, None]]:
        loops = [_refunds_at_once(self.database, self.gateways)]
        if "sandbox" in self.gateways:
            loops.append(_deliver_sandbox(self.settings, self.database))
        return loops

    async def _relay_to_bus(self) -> None:
        bus = RedisBus(self.settings.redis_url)
        try:
            await Relay(self.database, bus.publish).run()
        finally:
            await bus.close()

    async def close(self) -> None:
        """Stop taking work, let what is under way become durable, and hang up."""
        await self.web.close()
        await self.inbox.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.runtime.close()
        await run_once(self._what_was_seen())
        await self.holds.close()
        await self.engine.close()
        self.media.close()
        for channel in self.channels:
            await channel.close()
        for gateway in self.gateways.values():
            if isinstance(gateway, payments.Connected):
                await gateway.aclose()
        if isinstance(self.fanout, RedisFanout):
            await self.fanout.close()
        await self.database.close()

    def _join_processes(self) -> None:
        """What one process commits is looked at in the others at once, not at their next sweep."""
        self.database.on_wake("session:", lambda rest: self._publish(f"session:{rest}", {}))
        if isinstance(self.fanout, RedisFanout):
            for prefix in WAKES:
                self.database.on_wake(prefix, partial(self._wake_others, prefix))

    def _wake_others(self, prefix: str, rest: str) -> None:
        self._publish("wake", {"topic": f"{prefix}{rest}"})

    def _publish(self, topic: str, message: dict[str, Any]) -> None:
        if not isinstance(self.fanout, RedisFanout):
            self.fanout.deliver(topic, message)
            return
        news = asyncio.create_task(self.fanout.publish(topic, message))
        self._news.add(news)
        news.add_done_callback(self._news.discard)

    async def _hear_wakes(self) -> None:
        with self.fanout.subscribe("wake") as queue:
            while True:
                message = await queue.get()
                self.database.notify(str(message.get("topic", "")))


def templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def push_channels(
    settings: Settings, database: Database, receive: Reception
) -> Sequence[PushChannel]:
    """The channels that have settings; their modules are loaded only then."""
    found: list[PushChannel] = []
    if token := settings.telegram_token.get_secret_value():
        from channels.telegram import TelegramChannel

        found.append(
            TelegramChannel(
                account="telegram:platform",
                token=token,
                secret=settings.telegram_webhook_secret.get_secret_value(),
                receive=receive,
                api_base=settings.telegram_api_base,
                public_url=settings.url,
            )
        )
    if token := settings.whatsapp_token.get_secret_value():
        from channels.whatsapp import WhatsAppChannel

        found.append(
            WhatsAppChannel(
                account="whatsapp:platform",
                token=token,
                phone_number_id=settings.whatsapp_phone_number_id,
                secret=settings.whatsapp_app_secret.get_secret_value(),
                verify_token=settings.whatsapp_verify_token.get_secret_value(),
                receive=receive,
                api_base=settings.whatsapp_api_base,
                public_url=settings.url,
                on_status=StatusReports(database, "whatsapp:platform"),
            )
        )
    if settings.twilio_account_sid:
        from channels.twilio import TwilioChannel

        found.append(
            TwilioChannel(
                account="twilio:platform",
                account_sid=settings.twilio_account_sid,
                auth_token=settings.twilio_auth_token.get_secret_value(),
                sender=settings.twilio_from,
                public_url=settings.url,
                receive=receive,
                api_base=settings.twilio_api_base,
                on_status=StatusReports(database, "twilio:platform"),
            )
        )
    return found


def dispatcher(database: Database) -> Dispatcher:
    return Dispatcher(
        database,
        [
            search_handlers.HANDLERS,
            flash_handlers.HANDLERS,
            live.handlers.HANDLERS,
            checkout.HANDLERS,
            bot.handlers.HANDLERS,
        ],
    )


def scaled_jobs(settings: Settings, database: Database) -> list[Job]:
    """The jobs, and the proof that what went over the bus was heard."""
    handled = dispatcher(database).consumers
    prove = Job(
        name="republish_unconsumed",
        every_seconds=5,
        work=lambda: republish_unconsumed(database, handled),
    )
    known = gateways(settings, database)
    return [*jobs(database, known, pictures.storage(settings)), prove]


def prompt_jobs(database: Database) -> list[Job]:
    expire = Job(
        name="expire_holds", every_seconds=1, work=lambda: inventory_jobs.expire_holds(database)
    )
    return [expire]


def jobs(database: Database, known: payments.Gateways, storage: catalog.Storage) -> list[Job]:
    """What time makes the product do; each is safe to run at once in several processes."""

    def job(name: str, every_seconds: float, work: Callable[[], Awaitable[object]]) -> Job:
        return Job(name=name, every_seconds=every_seconds, work=work)

    return [
        job("settle_refunds", 5, lambda: payments_jobs.settle_refunds(database, known)),
        job("settle_payouts", 5, lambda: payments_jobs.settle_payouts(database, known)),
        job("reconcile_payments", 15, lambda: payments_jobs.reconcile_open(database, known)),
        job("apply_payment_events", 15, lambda: payments_jobs.apply_waiting_events(database)),
        job("tend_flashes", 5, lambda: flash_jobs.tend_flashes(database)),
        job("serve_waitlists", 5, lambda: live_jobs.serve_waitlists(database)),
        job("seal_ledger", 15, lambda: ledger_jobs.seal(database)),
        job("reconcile_reports", 3600, lambda: checkout_jobs.reconcile_reports(database, known)),
        job("finish_payments", 60, lambda: healing.finish_payments(database, known)),
        job("cancel_abandoned", 300, lambda: healing.cancel_abandoned(database)),
        job("conclude_refunds", 60, lambda: healing.conclude_refunds(database)),
        job("watch_the_books", 60, lambda: watch(database)),
        job("move_promotions", 5, lambda: promotions_jobs.move_promotions(database)),
        job("work_off_sheets", 2, lambda: sheets_jobs.work_off(database)),
        job("clear_pictures", 3600, lambda: media_jobs.clear_away(database, storage)),
        job("run_out_offers", 15, lambda: offers_jobs.run_out(database)),
        job("learn_from_offers", 15, lambda: offers_jobs.learn(database)),
        job("sweep_search", 15, lambda: search_jobs.sweep(database)),
        job("forget_sign_ins", 3600, lambda: accounts_jobs.forget_old_sign_ins(database)),
    ]


async def _refunds_at_once(database: Database, known: payments.Gateways) -> None:
    """A refund asked for in this process does not wait for the schedule."""
    nudge = database.listen("refunds")
    while True:
        await nudge.wait()
        nudge.clear()
        try:
            await payments_jobs.settle_refunds(database, known)
        except Outage as error:
            log.warning("refunds_wait", error=str(error))


async def _deliver_sandbox(settings: Settings, database: Database) -> None:
    """The sandbox's webhooks, over real HTTP to our own edge, wherever that runs."""
    edge = settings.url if settings.redis_url else settings.own_url
    nudge = database.listen("sandbox")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as client:
        post = posting_to(client, f"{edge}/webhooks/sandbox")
        deliverer = SandboxDeliverer(database, post, secret=sandbox_secret(settings))
        while True:
            nudge.clear()
            try:
                while await deliverer.deliver_due() == AT_MOST:
                    continue
            except Outage as error:
                log.warning("sandbox_waits", error=str(error))
            await nudged(nudge, SANDBOX_IDLE_SECONDS)


__all__ = ["TEMPLATES", "Role", "Till", "scaled_jobs", "templates"]
