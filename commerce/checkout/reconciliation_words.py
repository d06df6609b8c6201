"""Differences between a report and the books as a person reads them: what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from commerce.checkout.reconciliation_values import Difference, Kind
from commerce.kernel.money import format_money
from commerce.payments import MalformedReport

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCALE = "en"
NAMES = {"paypal": "PayPal"}

HEADLINES: Mapping[Kind, str] = {
    Kind.MISSING_HERE: "Missing in our books",
    Kind.MISSING_THERE: "Missing in the report",
    Kind.DOUBLE: "Twice in the report",
    Kind.AMOUNT_DIFFERS: "Another amount",
    Kind.CURRENCY_DIFFERS: "Another currency",
    Kind.LATE: "In another period",
    Kind.UNKNOWN: "No payment of ours",
    Kind.NOT_POSTED: "Not in the ledger",
    Kind.FEE_DIFFERS: "Another fee",
    Kind.PAYOUT_UNCONFIRMED: "Payout to be confirmed",
}
MOVED = {
    "charge": "took {money}",
    "refund": "gave back {money}",
    "dispute": "withheld {money} for a dispute",
    "dispute_reversal": "returned {money} of a dispute that was won",
    "payout": "paid out {money}",
    "fee": "kept a fee of {money}",
}
NOUNS = {
    "charge": "the payment",
    "refund": "a refund",
    "dispute": "a dispute",
    "dispute_reversal": "a dispute that was won",
    "payout": "a payout",
    "fee": "a fee",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    headline: str
    sentence: str  # what both sides say, with the figures
    advice: str  # what to do about it

    def __str__(self) -> str:
        return f"{self.headline}: {self.sentence} {self.advice}"


def explain(difference: Difference, provider: str) -> Explanation:
    said = _SENTENCES[difference.kind](difference, provider_name(provider))
    return Explanation(HEADLINES[difference.kind], *said)


def malformed(refusal: MalformedReport) -> str:
    """Why a file is no report, with the line that says so."""
    reason, line = str(refusal.facts["reason"]), refusal.facts["line"]
    return reason if reason.startswith("line ") else f"line {line}: {reason}"


def provider_name(provider: str) -> str:
    return NAMES.get(provider, provider.capitalize())


Said = tuple[str, str]


def _missing_here(one: Difference, provider: str) -> Said:
    known = {
        "charge": "its payment here is {status!r} and has no money.",
        "refund": "our books have no such refund.",
    }.get(one.moved, "our books do not have it.")
    sentence = f"{_provider_did(one, provider)}; {known.format(status=one.status)}"
    if one.moved == "charge":
        return sentence, (
            f"{provider} is asked about it again and again; if this stays, its webhooks do not"
            " arrive. The money must pay the order or go back to the fan."
        )
    return sentence, (
        f"If somebody did it by hand at {provider}, its webhook is missing: see which events"
        " are sent to us, and send this one again."
    )


def _missing_there(one: Difference, provider: str) -> Said:
    if one.moved == "posting":
        return (
            f"The ledger moved {_here(one)} on the account of {provider} on {_when(one.here_at)}"
            f" ({one.ref}, {one.status}); no payment explains it and the report has nothing of it.",
            "Ask who posted it. If it was wrong, post its opposite.",
        )
    return (
        f"Our books have {_here(one)} for {_what(one)}, {_when(one.here_at)};"
        f" the report of {provider} does not.",
        f"Look for {one.ref or 'it'} at {provider}. Near the edge of the period it may stand in the"
        " neighbouring report. If it is nowhere, no money moved: stop the delivery.",
    )


def _double(one: Difference, provider: str) -> Said:
    return (
        f"{_provider_did(one, provider)} once more; our books have it once.",
        f"See both at {provider}. If the fan was charged twice, give the second one back there;"
        " if a refund went twice, ask the fan.",
    )


def _amount(one: Difference, provider: str) -> Said:
    assert one.here_minor is not None
    assert one.there_minor is not None
    gap = abs(one.there_minor) - abs(one.here_minor)
    by = format_money(abs(gap), one.here_currency, LOCALE)
    apart = f"{by} {'more' if gap > 0 else 'less'}" if gap else "the other way round"
    return (
        f"For {_what(one)} the report of {provider} has {_there(one)} and our books have"
        f" {_here(one)}: {apart}.",
        f"The provider's figure is the money that moved. Compare {one.ref} there with the order,"
        " then correct the ledger by a posting of its own.",
    )


def _currency(one: Difference, provider: str) -> Said:
    return (
        f"For {_what(one)} the report of {provider} has {_there(one)} and our books have"
        f" {_here(one)}.",
        f"See at {provider} whether it converted the money, and in what the fan paid.",
    )


def _late(one: Difference, provider: str) -> Said:
    return (
        f"{_sentence(_what(one))} ({_here(one)}) is in our books on {_when(one.here_at)} and in the"
        f" report of {provider} on {_when(one.there_at)}. Nothing is missing.",
        "Usually a webhook that came late. Explain it so; if there are many, look at the webhooks.",
    )


def _unknown(one: Difference, provider: str) -> Said:
    return (
        f"{_provider_did(one, provider)} for something that is no order of ours.",
        f"If another shop uses the same account, explain it so. Otherwise look up {one.ref} at"
        f" {provider}: it may be an order that our books have lost.",
    )


def _not_posted(one: Difference, provider: str) -> Said:
    found = "nothing of it" if one.there_minor is None else _there(one)
    return (
        f"{_sentence(_what(one))} was recorded with {_here(one)} on {_when(one.here_at)};"
        f" the ledger has {found}.",
        "The event that posts it may be parked: see Operations. The ledger is never changed, only"
        " added to.",
    )


def _fee(one: Difference, provider: str) -> Said:
    return (
        f"{provider} kept {_there(one)} of {one.ref}; the ledger has {_here(one)} as its fee.",
        "Post what is missing, or its opposite, as a correction.",
    )


def _payout(one: Difference, provider: str) -> Said:
    return (
        f"{_provider_did(one, provider)}; our books do not know yet that it arrived.",
        f"Look for it in the bank's statement, and confirm it: then the ledger moves it from"
        f" {provider} to the bank.",
    )


_SENTENCES: Mapping[Kind, Callable[[Difference, str], Said]] = {
    Kind.MISSING_HERE: _missing_here,
    Kind.MISSING_THERE: _missing_there,
    Kind.DOUBLE: _double,
    Kind.AMOUNT_DIFFERS: _amount,
    Kind.CURRENCY_DIFFERS: _currency,
    Kind.LATE: _late,
    Kind.UNKNOWN: _unknown,
    Kind.NOT_POSTED: _not_posted,
    Kind.FEE_DIFFERS: _fee,
    Kind.PAYOUT_UNCONFIRMED: _payout,
}


def _provider_did(one: Difference, provider: str) -> str:
    did = MOVED[one.moved].format(money=_there(one))
    order = f" for order {one.order_code}" if one.order_code else ""
    return f"{provider} {did}{order} ({one.ref}) on {_when(one.there_at)}"


def _what(one: Difference) -> str:
    noun = NOUNS[one.moved]
    return f"{noun} of order {one.order_code}" if one.order_code else f"{noun} ({one.ref})"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _here(one: Difference) -> str:
    assert one.here_minor is not None
    return format_money(abs(one.here_minor), one.here_currency, LOCALE)


def _there(one: Difference) -> str:
    assert one.there_minor is not None
    return format_money(abs(one.there_minor), one.there_currency, LOCALE)


def _when(at: int | None) -> str:
    assert at is not None
    return (EPOCH + timedelta(microseconds=at)).strftime("%d %b %Y, %H:%M UTC")
