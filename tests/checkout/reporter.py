"""A provider in memory that tells what it moved, over its API and as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from commerce.kernel.errors import Outage
from commerce.payments import MalformedReport, Payment, ReportKind, ReportLine
from tests.checkout.fakes import Provider


@dataclass
class Reporter(Provider):
    lines: list[ReportLine] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    answers: bool = True

    def moved(self, payment: Payment, kind: ReportKind, amount_minor: int, **given: Any) -> None:
        facts = {
            "kind": kind, "ref": f"charge of {payment.key}", "payment_key": payment.key,
            "charge_ref": payment.charge_ref, "amount_minor": amount_minor, "fee_minor": 0,
            "currency": payment.currency, "at": payment.paid_at or 0,
        }  # fmt: skip
        self.lines.append(ReportLine(**facts | given))

    def change(self, number: int, **changes: Any) -> None:
        self.lines[number] = replace(self.lines[number], **changes)

    async def report(self, since: int, until: int) -> Sequence[ReportLine]:
        self.asked.append((since, until))
        if not self.answers:
            raise Outage("no report today")
        return [line for line in self.lines if since <= line.at < until]

    def read_report(self, text: str) -> Sequence[ReportLine]:
        try:
            return [
                ReportLine(**facts | {"kind": ReportKind(facts["kind"])})
                for facts in json.loads(text)
            ]
        except ValueError as error:
            raise MalformedReport(provider=self.name, line=1, reason=str(error)) from error

    def file(self) -> str:
        return json.dumps([asdict(line) for line in self.lines])
