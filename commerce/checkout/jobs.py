"""What time makes the checkout do: days that are over are compared with the providers' reports."""

from __future__ import annotations

from functools import partial

from commerce import payments
from commerce.checkout import reconciliation_store, reporting
from commerce.checkout.reconciliation_words import provider_name
from commerce.checkout.reporting import MARGIN
from commerce.kernel import alerts, logs
from commerce.kernel.clock import DAY, HOUR
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage, Refusal

log = logs.get(__name__)

LAG = MARGIN  # a day is compared when the one after it is over too
DAYS_BACK = 35 * DAY  # further back a shop that starts to compare does not go
DAYS_AT_ONCE = 7  # per run, so that one run ends
AGAIN_FOR = 7 * DAY  # so long a day with open differences is compared again, once a day
AGAIN_AFTER = 20 * HOUR
FAILED, DIFFERENT = "reconciliation_failed", "reconciliation_differences"


async def reconcile_reports(database: Database, gateways: payments.Gateways) -> int:
    """Compare what is due of every provider that gives reports; how many days."""
    days = 0
    for provider in reporting.reporting_providers(gateways):
        for day in await database.read(partial(_days_due, provider=provider)):
            if not await _compare(database, gateways, provider, day):
                break
            days += 1
    return days


async def _compare(
    database: Database, gateways: payments.Gateways, provider: str, day: int
) -> bool:
    """False where the provider gave no report: the day is tried again with the next run."""
    try:
        run = await reporting.compare_day(database, gateways, provider, day)
    except (Outage, Refusal) as failure:
        log.warning("day_not_compared", provider=provider, day=day, error=str(failure))
        await database.unit_of_work(partial(_no_report, provider=provider, why=str(failure)))
        return False
    if run is not None:
        await database.unit_of_work(partial(_compared, provider=provider))
    return True


async def _no_report(tx: Tx, provider: str, why: str) -> None:
    await alerts.raise_alert(
        tx,
        FAILED,
        provider,
        f"{provider_name(provider)} gives no report, so the books are not compared with it",
        {"why": why},
    )


async def _compared(tx: Tx, provider: str) -> None:
    await alerts.resolve(tx, FAILED, provider, "it answered")
    waiting = await reconciliation_store.count_open(tx, provider)
    if waiting:
        words = f"{provider_name(provider)} and the books differ, and a person has to look"
        await alerts.raise_alert(tx, DIFFERENT, provider, words, {"differences": waiting})
    else:
        await alerts.resolve(tx, DIFFERENT, provider, "nothing differs any more")


async def _days_due(tx: Tx, provider: str) -> list[int]:
    """Starts of days (UTC): first those never compared, then those that may have come right."""
    now = await tx.now()
    first_paid = await payments.first_paid_at(tx, provider)
    if first_paid is None:
        return []
    begin = max(first_paid, now - DAYS_BACK)
    end = now - LAG - DAY  # of the last day that is due
    done = await reconciliation_store.days_done(tx, provider)
    new = [day for day in range(begin - begin % DAY, end + 1, DAY) if day not in done]
    again = await reconciliation_store.days_open(
        tx, provider, since=now - AGAIN_FOR, ended_before=now - AGAIN_AFTER
    )
    return [*new, *again][:DAYS_AT_ONCE]
