"""What a process that died had leased is free at once for the one that takes its place.

Only for a process that does everything alone. Beside another one no promise breaks, since fences
and claims hold, but a message that the other is sending to a platform may be sent twice.
"""

from __future__ import annotations

from sqlalchemy import update

from commerce.kernel.columns import db_now
from commerce.kernel.database import Database, Tx
from commerce.kernel.tables import OUTBOX, OUTGOING, SAGAS

LEASED = (OUTBOX, OUTGOING, SAGAS)
END_LEASES = [
    update(table).where(table.c.lease_until > db_now()).values(lease_until=0) for table in LEASED
]


async def end_leases(database: Database) -> int:
    """For a process that does everything, before it begins; how many leases were open."""
    return await database.unit_of_work(_end_all)


async def _end_all(tx: Tx) -> int:
    return sum([await tx.run(statement) for statement in END_LEASES])
