"""How far something has come that goes round and round, a part at a time."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from commerce.kernel.columns import insert_once
from commerce.kernel.database import Tx
from commerce.kernel.tables import ROUNDS

ALL = select(ROUNDS.c.name, ROUNDS.c.position)
BEGIN = insert_once(ROUNDS, "name")
MOVE = (
    update(ROUNDS)
    .where(ROUNDS.c.name == bindparam("round"))
    .values(position=bindparam("new_position"))
)


async def positions(tx: Tx) -> dict[str, str]:
    """By name; what never went round has none."""
    return {row["name"]: row["position"] for row in await tx.all(ALL)}


async def move(tx: Tx, name: str, position: str) -> None:
    if not await tx.run(MOVE, round=name, new_position=position):
        await tx.run(BEGIN, name=name, position=position)
