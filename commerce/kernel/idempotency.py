"""The same command under the same key has one effect and one answer."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from sqlalchemy import bindparam, select

from commerce.kernel import clock, jsons
from commerce.kernel.columns import insert_once
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended, Refusal
from commerce.kernel.tables import IDEMPOTENCY

Answer = dict[str, Any]

FIND = select(IDEMPOTENCY.c.body_hash, IDEMPOTENCY.c.answer).where(
    IDEMPOTENCY.c.scope == bindparam("scope"), IDEMPOTENCY.c.key == bindparam("key")
)
KEEP = insert_once(IDEMPOTENCY, "scope", "key")


class KeyReused(Refusal):
    """This key was used before, for something else."""

    code = "key_reused"


async def once(
    tx: Tx,
    scope: str,
    key: str,
    body: Mapping[str, Any],
    work: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Run `work` and keep its answer, or give the answer the key got before.

    A refusal is not kept: it changed nothing, and may be lifted by the time of the next try.
    """
    body_hash = fingerprint(body)
    before = await tx.first(FIND, scope=scope, key=key)
    if before is not None:
        if before["body_hash"] != body_hash:
            raise KeyReused(scope=scope, key=key)
        return cast(Answer, jsons.loads(before["answer"]))
    answer = await work()
    kept = await tx.run(
        KEEP,
        scope=scope,
        key=key,
        body_hash=body_hash,
        answer=jsons.dumps(answer),
        answered_at=clock.now(),
    )
    if kept == 0:  # the same command committed meanwhile: roll back and read its answer
        raise Contended(f"{scope} {key} was answered at the same time")
    return answer


def fingerprint(body: Mapping[str, Any]) -> str:
    """Equal for equal commands, whatever the order of their fields."""
    return hashlib.sha256(jsons.canonical(dict(body)).encode()).hexdigest()
