"""The sandbox provider: its buttons, and webhooks delivered at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.payments import Payment, sandbox_desk
from commerce.payments.gateways import sandbox_delivery
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from commerce.payments.gateways.sandbox_desk import Button, SessionStatus
from tests.payments import factories

SECRET = "sandbox secret"


class Receiver:
    """Where webhooks arrive; `answers` are given one after the other, then 200."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.ids: list[str] = []
        self.answers: list[int | Outage] = []

    async def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Outage):
            raise answer
        event = jsons.loads(body)
        self.types.append(event["type"])
        self.ids.append(event["id"])
        return answer


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def deliverer(database: Database, receiver: Receiver) -> SandboxDeliverer:
    return SandboxDeliverer(database, receiver.post, secret=SECRET)


@pytest.fixture
async def token(database: Database, clock: FakeClock) -> str:
    payment: Payment = factories.a_payment()
    gateway = SandboxGateway(
        database, public_url="https://till.example/", secrets=[SECRET], return_url=""
    )
    opened = await gateway.open(payment)
    base, _, token = opened.pay_url.rpartition("/")
    assert base == "https://till.example/pay"
    return token


async def press(database: Database, token: str, button: Button) -> SessionStatus:
    page = await database.unit_of_work(lambda tx: sandbox_desk.press(tx, token, button))
    return page.session.status


def test_a_token_is_too_long_to_guess(token: str) -> None:
    assert len(token) * 6 >= 128


async def test_approving_twice_pays_once(
    database: Database, token: str, deliverer: SandboxDeliverer, receiver: Receiver
) -> None:
    pressed = await asyncio.gather(*(press(database, token, Button.APPROVE) for _ in range(5)))

    await deliverer.deliver_due()
    assert set(pressed) == {SessionStatus.PAID}
    assert receiver.types == ["session.paid"]


async def test_a_declined_card_may_be_followed_by_another(
    database: Database, token: str, deliverer: SandboxDeliverer, receiver: Receiver
) -> None:
    assert await press(database, token, Button.DECLINE) is SessionStatus.OPEN
    assert await press(database, token, Button.APPROVE) is SessionStatus.PAID
    assert await press(database, token, Button.DECLINE) is SessionStatus.PAID

    await deliverer.deliver_due()
    assert receiver.types == ["session.declined", "session.paid"]


async def test_nothing_is_paid_after_the_end(
    database: Database,
    token: str,
    clock: FakeClock,
    deliverer: SandboxDeliverer,
    receiver: Receiver,
) -> None:
    clock.advance(10 * MINUTE)

    assert await press(database, token, Button.APPROVE) is SessionStatus.EXPIRED

    await deliverer.deliver_due()
    assert receiver.types == []


async def test_the_slow_one_is_paid_at_once_and_told_later(
    database: Database,
    token: str,
    clock: FakeClock,
    deliverer: SandboxDeliverer,
    receiver: Receiver,
) -> None:
    assert await press(database, token, Button.SLOW) is SessionStatus.PAID
    assert await deliverer.deliver_due() == 0

    due_at = await deliverer.next_due_at()
    assert due_at == clock.now() + 8 * SECOND
    clock.advance(8 * SECOND)
    assert await deliverer.deliver_due() == 1
    assert await deliverer.next_due_at() is None


async def test_the_one_told_twice_is_the_same_event(
    database: Database, token: str, deliverer: SandboxDeliverer, receiver: Receiver
) -> None:
    await press(database, token, Button.TWICE)

    assert await deliverer.deliver_due() == 2
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize("answer", [500, 301, 404, Outage("connection refused")])
async def test_a_webhook_is_sent_until_it_is_taken(
    database: Database,
    token: str,
    clock: FakeClock,
    deliverer: SandboxDeliverer,
    receiver: Receiver,
    answer: int | Outage,
) -> None:
    await press(database, token, Button.APPROVE)
    receiver.answers = [answer, answer]

    assert await deliverer.deliver_due() == 0
    assert await deliverer.deliver_due() == 0  # not before its time
    clock.advance(2 * SECOND)
    assert await deliverer.deliver_due() == 0
    clock.advance(4 * SECOND)
    assert await deliverer.deliver_due() == 1


async def test_a_webhook_nobody_takes_is_given_up_in_the_end(
    database: Database,
    token: str,
    clock: FakeClock,
    deliverer: SandboxDeliverer,
    receiver: Receiver,
) -> None:
    await press(database, token, Button.APPROVE)
    receiver.answers = [500] * 1_000

    for _ in range(sandbox_delivery.TRIES + 5):
        await deliverer.deliver_due()
        clock.advance(60 * MINUTE)

    assert len(receiver.types) == sandbox_delivery.TRIES
    assert await deliverer.next_due_at() is None


async def test_two_deliverers_at_once_send_each_webhook_once(
    database: Database, token: str, receiver: Receiver
) -> None:
    await press(database, token, Button.APPROVE)
    deliverers = [SandboxDeliverer(database, receiver.post, secret=SECRET) for _ in range(4)]

    sent = await asyncio.gather(*(one.deliver_due() for one in deliverers))

    assert sum(sent) == 1
