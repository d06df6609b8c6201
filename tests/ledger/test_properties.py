"""Whatever is posted, ended, corrected and sealed in whatever order, the books agree with a small
model of them at every step."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from commerce import ledger
from commerce.kernel.database import Database, Tx, connect
from commerce.kernel.errors import Refusal
from commerce.ledger import (
    Posting,
    PostingDiffers,
    PostingPending,
    PostingSettled,
    PostingUnknown,
    PostingVoided,
    Status,
    Transfer,
    jobs,
)

RUNS = count()
NAMES = st.integers(0, 4).map(str)
HEADS = ["clearing", "fees", "supplier_payable"]
MOVES = st.lists(
    st.tuples(
        st.permutations(HEADS).map(lambda heads: heads[:2]),
        st.sampled_from(["EUR", "JPY"]),
        st.integers(1, 10**15),
    ),
    min_size=1,
    max_size=3,
)
VERBS = {"post": ledger.post, "pend": ledger.pend}
ENDINGS = {"settle": ledger.settle, "void": ledger.void}


@dataclass
class Written:
    verb: str
    posting: Posting
    status: Status


class Books:
    """What should be true."""

    def __init__(self) -> None:
        self.written: dict[str, Written] = {}

    def write(self, verb: str, posting: Posting) -> type[Refusal] | None:
        before = self.written.get(posting.id)
        if before is not None:
            return None if (before.verb, before.posting) == (verb, posting) else PostingDiffers
        status = Status.POSTED if verb == "post" else Status.PENDING
        self.written[posting.id] = Written(verb, posting, status)
        return None

    def end(self, ending: str, posting_id: str) -> type[Refusal] | None:
        one = self.written.get(posting_id)
        wanted = Status.POSTED if ending == "settle" else Status.VOIDED
        if one is None:
            return PostingUnknown
        if one.status is Status.PENDING:
            one.status = wanted
        if one.status is wanted:
            return None
        return PostingVoided if one.status is Status.VOIDED else PostingSettled

    def correct(self, posting_id: str) -> type[Refusal] | None:
        one = self.written.get(posting_id)
        if one is None:
            return PostingUnknown
        if one.status is not Status.POSTED:
            return PostingPending if one.status is Status.PENDING else PostingVoided
        mirrored = (
            Transfer(t.credit, t.debit, t.currency, t.amount_minor) for t in one.posting.transfers
        )
        correction = f"correction:{posting_id}"
        self.write("post", Posting(correction, "mistake", "run", tuple(mirrored)))
        return None

    def sums(self) -> dict[tuple[str, str], tuple[int, int]]:
        posted, pending = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for one in self.written.values():
            into = {Status.POSTED: posted, Status.PENDING: pending}.get(one.status)
            for t in one.posting.transfers if into is not None else ():
                into[t.debit, t.currency] += t.amount_minor
                into[t.credit, t.currency] -= t.amount_minor
        return {key: (posted[key], pending[key]) for key in posted.keys() | pending.keys()}


class Bookkeeper(RuleBasedStateMachine):
    """Each run has accounts of its own in one database, which costs less than a database each."""

    runner: asyncio.Runner
    database: Database

    @initialize()
    def begin(self) -> None:
        self.run, self.model = f"r{next(RUNS)}", Books()

    def done(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        try:
            return self.runner.run(self.database.unit_of_work(work))
        except Refusal as refusal:
            return type(refusal)

    @rule(verb=st.sampled_from(sorted(VERBS)), name=NAMES, moves=MOVES)
    def write(self, verb: str, name: str, moves: Any) -> None:
        transfers = tuple(
            Transfer(f"{debit}:{self.run}", f"{credit}:{self.run}", currency, amount)
            for (debit, credit), currency, amount in moves
        )
        posting = Posting(f"{self.run}:{name}", "sale", "run", transfers)
        refused = self.model.write(verb, posting)
        assert self.done(lambda tx: VERBS[verb](tx, posting)) is refused

    @rule(ending=st.sampled_from(sorted(ENDINGS)), name=NAMES)
    def end(self, ending: str, name: str) -> None:
        posting_id = f"{self.run}:{name}"
        refused = self.model.end(ending, posting_id)
        assert self.done(lambda tx: ENDINGS[ending](tx, posting_id)) is refused

    @rule(name=NAMES)
    def correct(self, name: str) -> None:
        posting_id = f"{self.run}:{name}"
        refused = self.model.correct(posting_id)
        answer = self.done(lambda tx: ledger.correct(tx, posting_id, reason="mistake"))
        assert answer is refused or answer.id == f"correction:{posting_id}"

    @rule()
    def seal(self) -> None:
        self.runner.run(jobs.seal(self.database))

    @rule()
    def rebuild(self) -> None:
        self.done(ledger.rebuild)

    @invariant()
    def the_balances_are_the_models(self) -> None:
        everything = self.runner.run(self.database.read(ledger.trial_balance))
        for currency in ("EUR", "JPY"):
            of_currency = [row for row in everything if row.currency == currency]
            assert sum(row.balance_minor for row in of_currency) == 0
            assert sum(row.pending_minor for row in of_currency) == 0
        own = [row for row in everything if row.account.endswith(f":{self.run}")]
        found = {(r.account, r.currency): (r.balance_minor, r.pending_minor) for r in own}
        none = (0, 0)
        expected = self.model.sums()
        keys = found.keys() | expected.keys()
        assert {k: found.get(k, none) for k in keys} == {k: expected.get(k, none) for k in keys}

    def teardown(self) -> None:
        for one in self.model.written.values():
            status = self.done(lambda tx, w=one: ledger.status(tx, w.posting.id))
            assert status is one.status
        for (account, currency), (posted, waits) in self.model.sums().items():
            self.statements_end_at(account, currency, posted, waits)
        assert self.runner.run(self.database.read(ledger.verify)) == []

    def statements_end_at(self, account: str, currency: str, posted: int, waits: int) -> None:
        for lines, sum_minor in (
            (self.done(lambda tx: ledger.statement(tx, account)), posted),
            (self.done(lambda tx: ledger.pending(tx, account)), waits),
        ):
            ends = [line.balance_minor for line in lines if line.currency == currency]
            assert sum_minor == (ends[-1] if ends else 0)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_books_follow_their_model(request, kind, clock):
    with asyncio.Runner() as runner:
        database = runner.run(connect(request.getfixturevalue(f"{kind}_url")))
        world = {"runner": runner, "database": database}
        try:
            run_state_machine_as_test(
                type("Bookkeeper", (Bookkeeper,), world),
                settings=settings(
                    max_examples=15,
                    stateful_step_count=30,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(database.close())
