"""Any story of one payment, told to the database and to a small model: they always agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commerce import payments
from commerce.kernel.database import Database, Tx, connect
from commerce.kernel.errors import Refusal
from commerce.payments import (
    CaptureMode,
    CaptureStatus,
    DisputeStatus,
    EventKind,
    Outcome,
    Payment,
    RefundStanding,
    RefundStatus,
    Status,
)
from commerce.payments.lives import RANK
from tests.payments import factories
from tests.payments.factories import dispute_news, news_of, refund_news

T = TypeVar("T")
FULL = 5_000
AMOUNTS = st.sampled_from([1_000, 2_500, FULL - 1, FULL, FULL])
SETTLED = st.sampled_from([RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED])
REFUND_RANK = list(RefundStatus)
DISPUTE_RANK = list(DisputeStatus)
WORDS = {
    EventKind.EXPIRED: Status.EXPIRED,
    EventKind.FAILED: Status.FAILED,
    EventKind.AUTHORISED: Status.AUTHORISED,
    EventKind.VOIDED: Status.VOIDED,
}


class Story(RuleBasedStateMachine):
    """`run` and `database` are set by the test: one database serves all its stories."""

    run: Callable[[Awaitable[T]], T]
    database: Database

    @initialize(mode=st.sampled_from(CaptureMode), so_far=st.sampled_from(["", "held", "paid"]))
    def begins(self, mode: CaptureMode, so_far: str) -> None:
        self.payment = self.run(factories.opened(self.database, capture=mode))
        self.mode = mode
        self.strongest = Status.OPEN  # of what was told before the money
        self.authorised = False
        self.captured = 0
        self.captures: list[list[object]] = []  # [id, amount, status]
        self.refunds: dict[str, tuple[int, RefundStatus]] = {}
        self.dispute: DisputeStatus | None = None
        self.mismatches = 0
        self.numbers = count()
        if so_far == "held":
            self.hears(EventKind.AUTHORISED)
        if so_far == "paid":
            self.is_paid(FULL, "1")

    @rule(kind=st.sampled_from([*WORDS, EventKind.DECLINED]))
    def hears(self, kind: EventKind) -> None:
        self._record(news_of(self.payment, kind, event_id=self._name()))
        word = WORDS.get(kind, Status.CREATED)
        self.authorised |= kind is EventKind.AUTHORISED
        if not self.captured and RANK.index(word) > RANK.index(self.strongest):
            self.strongest = word
        if self.strongest is Status.VOIDED:
            self._fail_captures()

    @rule(amount=AMOUNTS, charge=st.sampled_from(["1", "1", "2"]))
    def is_paid(self, amount: int, charge: str) -> None:
        self._record(
            news_of(
                self.payment, EventKind.PAID, event_id=self._name(), amount_minor=amount,
                charge_ref=f"{self.payment.key}:{charge}",
            )
        )  # fmt: skip
        if self.captured:
            self.mismatches += (amount, charge) != (self.captured, self.charge)
        elif amount in {FULL, *(asked for _, asked, _ in self.captures)}:
            self.captured, self.charge = amount, charge
            self._settle_captures(amount)
        else:
            self.mismatches += 1

    @rule(amount=AMOUNTS)
    def asks_for_a_capture(self, amount: int) -> None:
        asked = self._refused(
            lambda tx: payments.request_capture(
                tx, key=self._name(), payment_id=self.payment.id, amount_minor=amount
            )
        )
        if self._status() is not Status.AUTHORISED:
            assert asked == "not_authorised"
        elif self.mode is CaptureMode.AUTOMATIC and amount != FULL:
            assert asked == "capture_not_whole"
        else:
            assert not isinstance(asked, str)
            self.captures.append([asked.id, amount, CaptureStatus.ASKED])

    @precondition(lambda self: self._status() is Status.CAPTURING)
    @rule()
    def the_capture_is_refused(self) -> None:
        (asked,) = [one for one in self.captures if one[2] is CaptureStatus.ASKED]
        self._work(lambda tx: payments.capture_was_refused(tx, str(asked[0]), "no"))
        asked[2] = CaptureStatus.FAILED

    @rule(amount=AMOUNTS)
    def asks_for_a_refund(self, amount: int) -> None:
        key = self._name()
        asked = self._refused(
            lambda tx: payments.request_refund(
                tx, key=key, payment_id=self.payment.id, amount_minor=amount, reason=""
            )
        )
        if not self.captured:
            assert asked == "not_paid"
        elif amount > max(0, self.captured - self._reserved() - self._gone()):
            assert asked == "refund_too_large"
        else:
            self.refunds[key] = (amount, RefundStatus.ASKED)

    @precondition(lambda self: self.refunds)
    @rule(data=st.data(), status=SETTLED, by_webhook=st.booleans())
    def hears_of_a_refund(
        self, data: st.DataObject, status: RefundStatus, by_webhook: bool
    ) -> None:
        key = data.draw(st.sampled_from(sorted(self.refunds)))
        amount, before = self.refunds[key]
        charge = f"{self.payment.key}:{self.charge}"
        if by_webhook:
            event = refund_news(
                self.payment, status, ref=f"re:{key}", amount_minor=amount, key=key,
                charge_ref=charge, event_id=self._name(),
            )  # fmt: skip
            self._record(event)
        else:
            (refund,) = [one for one in self._all_refunds() if one.key == key]
            standing = RefundStanding(status=status, provider_ref=f"re:{key}")
            self._work(lambda tx: payments.record_refund(tx, refund, standing))
        self.refunds[key] = (amount, max(before, status, key=REFUND_RANK.index))

    @precondition(lambda self: self.captured - self._reserved() > 0)
    @rule(status=SETTLED, share=st.integers(1, 4))
    def is_given_back_by_hand(self, status: RefundStatus, share: int) -> None:
        amount = max(1, (self.captured - self._reserved()) // share)
        ref = self._name()
        event = refund_news(
            self.payment, status, ref=ref, amount_minor=amount, event_id=self._name(),
            charge_ref=f"{self.payment.key}:{self.charge}", payment_key=self.payment.key,
        )  # fmt: skip
        self._record(event)
        self.refunds[f"outside:sandbox:{ref}"] = (amount, status)

    @precondition(lambda self: self.captured)
    @rule(status=st.sampled_from(DisputeStatus))
    def is_disputed(self, status: DisputeStatus) -> None:
        event = dispute_news(
            self.payment, status, amount_minor=2_000, event_id=self._name(),
            charge_ref=f"{self.payment.key}:{self.charge}", payment_key=self.payment.key,
        )  # fmt: skip
        self._record(event)
        self.dispute = max(self.dispute or status, status, key=DISPUTE_RANK.index)

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "payment"):
            return
        after: Payment = self._read(lambda tx: payments.get(tx, self.payment.id))
        assert after.status is self._status()
        assert after.authorised_minor == FULL * self.authorised
        assert (after.captured_minor, after.refund_minor) == (self.captured, self._reserved())
        assert {one.key: (one.amount_minor, one.status) for one in self._all_refunds()} == (
            self.refunds
        )
        disputes = self._read(lambda tx: payments.disputes_of(tx, self.payment.id))
        assert [one.status for one in disputes] == ([self.dispute] if self.dispute else [])
        captures = self._read(lambda tx: payments.captures_of(tx, self.payment.id))
        taken = [one for one in captures if one.status is CaptureStatus.SUCCEEDED]
        assert sum(one.amount_minor for one in taken) == self.captured
        assert sorted(one.status for one in captures if not one.key.startswith("told:")) == sorted(
            status for *_, status in self.captures
        )

    def teardown(self) -> None:
        if not hasattr(self, "payment"):
            return
        said = self.run(factories.announced(self.database, self.payment))
        assert said.count("payment.succeeded") == bool(self.captured)
        assert said.count("payment.authorised") <= 1
        assert said.count("payment.mismatched") == self.mismatches
        back = sum(status is RefundStatus.SUCCEEDED for _, status in self.refunds.values())
        assert back <= said.count("payment.refunded") <= len(self.refunds)

    def _status(self) -> Status:
        if self.captured:
            return self._status_of_money()
        asked = any(one[2] is CaptureStatus.ASKED for one in self.captures)
        return Status.CAPTURING if asked else self.strongest

    def _status_of_money(self) -> Status:
        standing = [s for _, s in self.refunds.values() if s is not RefundStatus.FAILED]
        if any(status is not RefundStatus.SUCCEEDED for status in standing):
            return Status.REFUNDING
        if not standing:
            return Status.PAID
        whole = self._reserved() == self.captured
        return Status.REFUNDED if whole else Status.PARTLY_REFUNDED

    def _reserved(self) -> int:
        return sum(a for a, status in self.refunds.values() if status is not RefundStatus.FAILED)

    def _gone(self) -> int:
        return 0 if self.dispute in (None, DisputeStatus.WON) else 2_000

    def _settle_captures(self, amount: int) -> None:
        fitting = [one for one in self.captures if one[1] == amount]
        asked = [one for one in fitting if one[2] is CaptureStatus.ASKED]
        self._fail_captures()
        if fitting:
            (asked or fitting)[-1][2] = CaptureStatus.SUCCEEDED

    def _fail_captures(self) -> None:
        for one in self.captures:
            if one[2] is CaptureStatus.ASKED:
                one[2] = CaptureStatus.FAILED

    def _all_refunds(self) -> tuple[payments.Refund, ...]:
        return self._read(lambda tx: payments.refunds_of(tx, self.payment.id))

    def _name(self) -> str:
        return f"{self.payment.key}:{next(self.numbers)}"

    def _record(self, event: payments.ProviderEvent) -> None:
        for _ in range(2):
            self.run(factories.record(self.database, event))

    def _refused(self, work: Callable[[Tx], Awaitable[T]]) -> T | str:
        """What it gives, or the code of the refusal."""
        try:
            return self._work(work)
        except Refusal as refusal:
            return refusal.code

    def _work(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return self.run(self.database.unit_of_work(work))

    def _read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return self.run(self.database.read(work))


@pytest.fixture
def stories(database_url: str, clock: object) -> Iterator[type[Story]]:
    with asyncio.Runner() as runner:
        database = runner.run(connect(database_url))
        members = {"run": staticmethod(runner.run), "database": database}
        yield type("StoryOfOne", (Story,), members)
        waiting = runner.run(database.read(lambda tx: payments.events_with(tx, Outcome.WAITING)))
        runner.run(database.close())
        assert waiting == []


def test_the_database_and_the_model_agree_after_every_step(
    stories: type[Story], database_url: str
) -> None:
    examples = 40 if database_url.startswith("sqlite") else 10

    run_state_machine_as_test(
        stories, settings=settings(max_examples=examples, stateful_step_count=20)
    )
