"""What time makes the people forget: refilled buckets of tries and long ended sessions."""

from __future__ import annotations

from commerce.accounts import model, store
from commerce.kernel.database import Database


async def forget_old_sign_ins(database: Database) -> int:
    return await database.unit_of_work(
        lambda tx: store.forget_old_sign_ins(tx, model.NETWORK_KNOWN)
    )
