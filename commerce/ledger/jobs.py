"""What time makes the ledger do: seal what was written."""

from __future__ import annotations

from commerce.kernel import logs
from commerce.kernel.database import Database
from commerce.ledger import sealing

log = logs.get(__name__)


async def seal(database: Database) -> int:
    """Seal all that waits, group by group; safe to run in several processes at once."""
    sealed = 0
    while done := await database.unit_of_work(sealing.seal_some):
        number, newest = done
        sealed += number
        # Whoever rewrote the whole chain would have to rewrite the logs as well.
        log.info("ledger_sealed", seq=newest.seq, hash=newest.hash)
        if number < sealing.AT_ONCE:
            break
    return sealed
