"""What Stripe moved on our balance there: asked over its API, or read from its report file.

The file is the itemised "balance change from activity": a line per balance transaction, amounts in
major units, currencies in small letters. docs.stripe.com/reports/report-types/balance
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

from commerce.kernel.clock import SECOND
from commerce.kernel.money import exponent
from commerce.payments.gateways.stripe_client import PAGE, StripeAccount, listed, read, refusing
from commerce.payments.gateways.stripe_wire import NAME, counted, metadata, reference
from commerce.payments.model import ReportKind, ReportLine
from commerce.payments.refusals import MalformedReport

if TYPE_CHECKING:
    from stripe import BalanceTransaction, ListObject
    from stripe.params import BalanceTransactionListParams

# docs.stripe.com/reports/reporting-categories. Whatever else Stripe takes or gives is a fee to us.
KINDS = {
    "charge": ReportKind.CHARGE,
    "charge_failure": ReportKind.CHARGE,  # a bank's payment that bounced, below zero
    "partial_capture_reversal": ReportKind.CHARGE,  # what was not captured, below zero
    "refund": ReportKind.REFUND,
    "refund_failure": ReportKind.REFUND,  # came back, above zero
    "dispute": ReportKind.DISPUTE,
    "dispute_reversal": ReportKind.DISPUTE_REVERSAL,
    "payout": ReportKind.PAYOUT,
    "payout_reversal": ReportKind.PAYOUT,
    "transfer": ReportKind.PAYOUT,  # to a connected account
    "transfer_reversal": ReportKind.PAYOUT,
}
# What moves once and is known here by its own name; the rest moves something that moved before.
BY_SOURCE = frozenset(
    {"charge", "refund", "dispute", "dispute_reversal", "payout", "transfer", "transfer_reversal"}
)
NEEDED = (
    *("balance_transaction_id", "created_utc", "currency", "gross", "fee", "net"),
    *("reporting_category", "source_id"),
)
PAYMENT_KEY = "payment_metadata[payment_key]"  # a column that is there only when chosen
PAYMENT_INTENT = "payment_intent_id"  # so is this; without either no line can be told apart
MOMENT = "%Y-%m-%d %H:%M:%S"
AMOUNT_LENGTH_MAX = 24
NAME_LENGTH_MAX = 500  # as long as a value of metadata may be


class StripeReports(StripeAccount):
    async def report(self, since: int, until: int) -> Sequence[ReportLine]:
        span = {"gte": _seconds(since), "lt": _seconds(until)}

        async def fetch(after: str | None) -> ListObject[BalanceTransaction]:
            params: BalanceTransactionListParams = {
                "created": {"gte": span["gte"], "lt": span["lt"]},
                "limit": PAGE,
                "expand": ["data.source"],
            }
            if after is not None:
                params["starting_after"] = after
            with refusing(None):
                return await self._v1.balance_transactions.list_async(params)

        newest_first = [read(_line, item) async for item in listed(fetch)]
        return newest_first[::-1]

    def read_report(self, text: str) -> Sequence[ReportLine]:
        return sorted(_lines_of(text), key=lambda line: line.at)


def _line(moved: Mapping[str, Any]) -> ReportLine:
    currency = str(moved["currency"]).upper()
    category = str(moved["reporting_category"])
    source = moved.get("source")
    of: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
    return ReportLine(
        kind=KINDS.get(category, ReportKind.FEE),
        ref=_ref(category, str(moved["id"]), reference(source)),
        payment_key=metadata(of).get("payment_key"),
        charge_ref=reference(of.get("payment_intent")),
        amount_minor=_exactly(moved["amount"], currency),
        fee_minor=_exactly(moved["fee"], currency),
        currency=currency,
        at=int(moved["created"]) * SECOND,
    )


def _ref(category: str, moved: str, source: str | None) -> str:
    return source if source and category in BY_SOURCE else moved


def _exactly(amount: int, currency: str) -> int:
    minor = counted(amount, currency)
    if minor is None:
        raise ValueError(f"{amount} {currency} cannot be expressed")
    return minor


def _seconds(at: int) -> int:
    """The first whole second that is not before."""
    return -(-at // SECOND)


def _lines_of(text: str) -> Iterable[ReportLine]:
    whole = StringIO(text.removeprefix("\N{BYTE ORDER MARK}"), newline="")
    rows = csv.DictReader(whole, strict=True)
    try:
        _check_columns(rows.fieldnames or ())
        for row in rows:
            yield _line_of(row)
    except csv.Error as error:
        raise _malformed(rows.reader.line_num, f"it is not a line of CSV: {error}") from error
    except ValueError as error:
        raise _malformed(rows.reader.line_num, str(error)) from error


def _check_columns(found: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise ValueError(f"the column {missing[0]} is missing")
    if PAYMENT_KEY not in found and PAYMENT_INTENT not in found:
        raise ValueError(f"the column {PAYMENT_INTENT} is missing")


def _line_of(row: Mapping[str | None, Any]) -> ReportLine:
    if None in row or None in row.values():
        raise ValueError("it has another number of fields than the first line")
    moved, category = _word(row, "balance_transaction_id"), _word(row, "reporting_category")
    currency = _word(row, "currency").upper()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise ValueError(f"currency is not a currency: {currency!r}")
    gross, fee, net = (_minor(row, name, currency) for name in ("gross", "fee", "net"))
    if gross - fee != net:
        raise ValueError("gross less fee is not net")
    return ReportLine(
        kind=KINDS.get(category, ReportKind.FEE),
        ref=_ref(category, moved, _name(row, "source_id")),
        payment_key=_name(row, PAYMENT_KEY),
        charge_ref=_name(row, PAYMENT_INTENT),
        amount_minor=gross,
        fee_minor=fee,
        currency=currency,
        at=_moment(row),
    )


def _word(row: Mapping[str | None, Any], name: str) -> str:
    word = _name(row, name)
    if word is None:
        raise ValueError(f"{name} is empty")
    return word


def _name(row: Mapping[str | None, Any], name: str) -> str | None:
    word = str(row.get(name, "")).strip()
    if len(word) > NAME_LENGTH_MAX or not word.isprintable():
        raise ValueError(f"{name} is not a name")
    return word or None


def _minor(row: Mapping[str | None, Any], name: str, currency: str) -> int:
    """Stripe writes a point, or the comma chosen for the file; never thousands."""
    word = _word(row, name)
    digits = word.replace(",", ".").removeprefix("-")
    plain = digits.isascii() and digits.replace(".", "", 1).isdigit()
    if not plain or len(digits) > AMOUNT_LENGTH_MAX:
        raise ValueError(f"{name} is not an amount: {word[:40]!r}")
    minor = Decimal(digits).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{name} has more digits than {currency}: {word!r}")
    return -int(minor) if word.startswith("-") else int(minor)


def _moment(row: Mapping[str | None, Any]) -> int:
    word = _word(row, "created_utc")
    try:
        at = datetime.strptime(word, MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"created_utc is not a moment: {word[:40]!r}") from None
    return int(at.timestamp()) * SECOND


def _malformed(line: int, reason: str) -> MalformedReport:
    return MalformedReport(provider=NAME, line=line, reason=f"line {line}: {reason}")
