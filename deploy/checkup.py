"""`livetill doctor`: asks every invariant, compares providers' reports, and says what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from commerce import checkout, ledger, payments
from commerce.checkout import Comparison, Owed
from commerce.kernel import database
from commerce.kernel.clock import DAY
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.money import format_money
from deploy import invariants
from deploy.gateways import gateways as gateways_of
from deploy.settings import Settings

Say = Callable[[str], None]
LOCALE = "en"
TOLD_AT_MOST = 200
MEGABYTE = 1024 * 1024
FILE_BYTES_MAX = 64 * MEGABYTE


class FileUnreadable(Exception):
    """The report's file is missing, too large or no text; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the doctor is to look at besides the invariants."""

    provider: str = ""
    file: Path | None = None
    yesterday: bool = False  # ask every provider that gives reports
    record: bool = False  # keep what is found, and post the fees


async def report(database_url: str, say: Say) -> int:
    """0 when every invariant holds, 1 otherwise."""
    connected = await database.connect(database_url)
    try:
        return 0 if await _prove(connected, say) else 1
    finally:
        await connected.close()


async def examine(settings: Settings, wish: Wish, say: Say, progress: Say) -> int:
    """0 when everything asked for agrees, 1 otherwise."""
    connected = await database.connect(settings.database_url)
    gateways = gateways_of(settings, connected)
    try:
        if wish.file is not None:
            return await _compare_file(connected, gateways, wish, say, progress)
        sound = await _prove(connected, say)
        if wish.yesterday:
            sound &= await _compare_yesterday(connected, gateways, wish, say, progress)
        return 0 if sound else 1
    finally:
        for gateway in gateways.values():
            if isinstance(gateway, payments.Connected):
                await gateway.aclose()
        await connected.close()


async def _prove(connected: Database, say: Say) -> bool:
    found = await connected.read(invariants.violations)
    for violation in found:
        facts = ", ".join(f"{name}={value}" for name, value in violation.facts.items())
        say(f"{violation.invariant}: {violation.meaning} ({facts})")
    if not found:
        say(f"All {len(invariants.INVARIANTS)} invariants hold.")
    broken = await connected.read(ledger.verify)
    for link in broken:
        say(f"ledger: {link.meaning} ({link.subject})")
    if not broken:
        say("The ledger is as it was sealed.")
    return not found and not broken


async def _compare_file(
    connected: Database, gateways: payments.Gateways, wish: Wish, say: Say, progress: Say
) -> int:
    assert wish.file is not None
    text = read_text(wish.file)
    try:
        lines = await checkout.read_file(checkout.reporting_gateway(gateways, wish.provider), text)
        since, until = checkout.period_of(lines, await connected.read(_now))
    except (checkout.NoReport, checkout.EmptyReport, payments.MalformedReport) as refusal:
        raise FileUnreadable(_why(wish, refusal, gateways)) from refusal
    found = await checkout.compared(
        connected, wish.provider, lines, since=since, until=until, say=progress
    )
    if wish.record:
        await checkout.compare_file(
            connected, gateways, wish.provider, text, name=wish.file.name, say=progress
        )
    return 0 if await _tell(connected, wish, wish.provider, found, say) else 1


async def _compare_yesterday(
    connected: Database, gateways: payments.Gateways, wish: Wish, say: Say, progress: Say
) -> bool:
    now = await connected.read(_now)
    day = now - now % DAY - DAY
    sound = True
    reporting = checkout.reporting_providers(gateways)
    if not reporting:
        say("No provider here gives reports.")
    for provider in reporting:
        progress(f"asking {provider} what it moved yesterday")
        lines = await checkout.reporting_gateway(gateways, provider).report(day - DAY, now)
        found = await checkout.compared(
            connected, provider, lines, since=day, until=day + DAY, say=progress
        )
        if wish.record:
            await checkout.compare_day(connected, gateways, provider, day, progress)
        sound &= await _tell(connected, wish, provider, found, say)
    return sound


async def _tell(
    connected: Database, wish: Wish, provider: str, found: Comparison, say: Say
) -> bool:
    for difference in found.differences[:TOLD_AT_MOST]:
        say(f"{provider}: {checkout.explain(difference, provider)}")
    if len(found.differences) > TOLD_AT_MOST:
        say(f"{provider}: and {len(found.differences) - TOLD_AT_MOST:,} more.")
    say(f"{provider}: {found.matched:,} of {found.lines:,} lines agree with the books.")
    if found.fees:
        counted = f"{len(found.fees):,}, together {_sums(found)}"
        lacking = f"fees not in the ledger yet: {counted}; --record posts them."
        say(f"{provider}: fees posted: {counted}." if wish.record else f"{provider}: {lacking}")
    for owed in await connected.read(lambda tx: checkout.owed(tx, provider)):
        say(_owed(owed))
    return not found.differences


def _sums(found: Comparison) -> str:
    sums: dict[str, int] = {}
    for fee in found.fees:
        sums[fee.currency] = sums.get(fee.currency, 0) + fee.amount_minor
    return _and([format_money(minor, name, LOCALE) for name, minor in sorted(sums.items())])


def _owed(owed: Owed) -> str:
    """What the provider still has of ours, and how that came to be."""
    parts = {
        "captured": owed.captured,
        "given back": -owed.refunded,
        "disputed": -owed.disputed,
        "fees": -owed.fees,
        "paid out": -owed.paid_out,
        "otherwise posted": owed.other,
    }
    said = [f"{_money(minor, owed)} {word}" for word, minor in parts.items() if minor]
    return f"{owed.provider} still owes us {_money(owed.balance, owed)}: {_and(said)}."


def _money(minor: int, owed: Owed) -> str:
    return format_money(minor, owed.currency, LOCALE)


def _and(parts: Sequence[str]) -> str:
    *first, last = parts or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def read_text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileUnreadable(f"{path}: larger than {FILE_BYTES_MAX // MEGABYTE} MB")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{path}: not a text in UTF-8") from error


def _why(wish: Wish, refusal: Refusal, gateways: payments.Gateways) -> str:
    if isinstance(refusal, checkout.NoReport):
        known = ", ".join(checkout.reporting_providers(gateways)) or "none"
        return f"{wish.provider} is no provider here that gives reports; these do: {known}"
    if isinstance(refusal, checkout.EmptyReport):
        return f"{wish.file}: it has no lines"
    assert isinstance(refusal, payments.MalformedReport)
    return f"{wish.file}: {checkout.malformed(refusal)}"


async def _now(tx: Tx) -> int:
    return await tx.now()
