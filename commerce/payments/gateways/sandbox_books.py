"""The sandbox's own books: every movement of its money, reported as any provider would.

It keeps nothing for itself: its fee is zero.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from io import StringIO

from sqlalchemy import bindparam, insert, select

from commerce.kernel.database import Row, Tx
from commerce.payments.gateways.sandbox_model import Session
from commerce.payments.gateways.tables import SANDBOX_MOVEMENTS
from commerce.payments.lives import ReportKind
from commerce.payments.refusals import MalformedReport
from commerce.payments.values import ReportLine

FEE_MINOR = 0
WHOLE = re.compile(r"-?[0-9]{1,18}")
COLUMNS = tuple(field.name for field in fields(ReportLine))

INSERT = insert(SANDBOX_MOVEMENTS)
BETWEEN = (
    select(SANDBOX_MOVEMENTS)
    .where(
        SANDBOX_MOVEMENTS.c.at >= bindparam("since"),
        SANDBOX_MOVEMENTS.c.at < bindparam("until"),
    )
    .order_by(SANDBOX_MOVEMENTS.c.at, SANDBOX_MOVEMENTS.c.seq)
)


async def write(
    tx: Tx, session: Session, kind: ReportKind, ref: str, amount_minor: int, *, at: int = 0
) -> None:
    """`amount_minor` is signed: what comes to the shop is above zero."""
    await write_line(
        tx,
        ReportLine(
            kind=kind,
            ref=ref,
            payment_key=session.key,
            charge_ref=session.charge_ref,
            amount_minor=amount_minor,
            fee_minor=FEE_MINOR,
            currency=session.currency,
            at=at or await tx.now(),
        ),
    )


async def write_line(tx: Tx, line: ReportLine) -> None:
    await tx.run(INSERT, **dict(zip(COLUMNS, astuple(line), strict=True)))


async def between(tx: Tx, since: int, until: int) -> list[ReportLine]:
    return [_line(row) for row in await tx.all(BETWEEN, since=since, until=until)]


def as_file(lines: Sequence[ReportLine]) -> str:
    """The report as the file that `from_file` reads."""
    text = StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(astuple(line) for line in lines)
    return text.getvalue()


def from_file(provider: str, text: str) -> list[ReportLine]:
    rows = csv.reader(StringIO(text.removeprefix("\N{BYTE ORDER MARK}"), newline=""), strict=True)
    try:
        if next(rows, None) != list(COLUMNS):
            raise ValueError(f"the first line is not {','.join(COLUMNS)}")
        return [_read(row) for row in rows]
    except (csv.Error, ValueError) as error:
        raise MalformedReport(provider=provider, line=rows.line_num, reason=str(error)) from error


def _read(row: Sequence[str]) -> ReportLine:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}")
    kind, ref, payment_key, charge_ref, amount_minor, fee_minor, currency, at = row
    if not (ref and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise ValueError("a name or a currency is missing")
    return ReportLine(
        kind=ReportKind(kind),
        ref=ref,
        payment_key=payment_key or None,
        charge_ref=charge_ref or None,
        amount_minor=_whole(amount_minor),
        fee_minor=_whole(fee_minor),
        currency=currency,
        at=_whole(at),
    )


def _whole(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ValueError(f"{text[:30]!r} is not a whole number")
    return int(text)


def _line(row: Row) -> ReportLine:
    return ReportLine(**{name: row[name] for name in COLUMNS} | {"kind": ReportKind(row["kind"])})
