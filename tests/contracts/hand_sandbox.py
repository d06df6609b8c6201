"""The hand at the sandbox: buttons of its pay page and of its desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from commerce.kernel import clock
from commerce.kernel.database import Database, Tx
from commerce.payments import Opened, Payment, sandbox_desk
from commerce.payments.gateways import sandbox_bank, signatures
from commerce.payments.gateways.sandbox import SIGNATURE_HEADER, SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer

SECRET = "sandbox secret"


class SandboxHand:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sent: list[tuple[dict[str, str], bytes]] = []
        self._deliverer = SandboxDeliverer(database, self._post, secret=SECRET)
        self.gateway = SandboxGateway(
            database,
            public_url="https://till.example",
            secrets=[SECRET],
            return_url="https://till.example/pay/return",
        )

    async def pay(self, opened: Opened) -> None:
        await self._press(opened, sandbox_desk.Button.APPROVE)

    async def decline(self, opened: Opened) -> None:
        await self._press(opened, sandbox_desk.Button.DECLINE)

    async def lapse(self, payment: Payment) -> None:
        await self._press_on(payment, sandbox_desk.Button.LAPSE)

    async def dispute(self, payment: Payment, amount_minor: int) -> None:
        async def work(tx: Tx) -> None:
            session = await sandbox_bank.locked(tx, payment.key)
            assert session is not None, payment.key
            await sandbox_bank.dispute(tx, session, amount_minor)

        await self._database.unit_of_work(work)

    async def end_dispute(self, payment: Payment, *, won: bool) -> None:
        button = sandbox_desk.Button.WIN if won else sandbox_desk.Button.LOSE
        await self._press_on(payment, button)

    async def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        await self._deliverer.deliver_due()
        sent, self._sent = self._sent, []
        return sent

    def sign(self, body: bytes) -> dict[str, str]:
        return {SIGNATURE_HEADER: signatures.sign(body, SECRET, at=clock.now())}

    async def _press_on(self, payment: Payment, button: sandbox_desk.Button) -> None:
        await self._press(await self.gateway.open(payment), button)

    async def _press(self, opened: Opened, button: sandbox_desk.Button) -> None:
        assert opened.pay_url is not None
        token = opened.pay_url.rpartition("/")[2]
        await self._database.unit_of_work(lambda tx: sandbox_desk.press(tx, token, button))

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        self._sent.append((dict(headers), body))
        return 200


@asynccontextmanager
async def sandbox(database: Database) -> AsyncIterator[SandboxHand]:
    yield SandboxHand(database)
