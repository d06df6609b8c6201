"""The chain of seals as values: each hash covers a whole transfer and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from commerce.kernel.database import Row

NO_HASH = "0" * 64  # before the first
# All columns of a transfer; their order is part of every hash.
SEALED = (
    "id", "posting_id", "n", "kind", "reason", "reference", "debit", "credit", "currency",
    "amount_minor", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """One thing about the books that cannot be, in words."""

    subject: str  # a transfer, a seal or an account
    meaning: str


@dataclass(frozen=True, slots=True)
class Link:
    seq: int
    hash: str


START = Link(seq=0, hash=NO_HASH)


def following(before: Link, transfer: Row) -> Link:
    facts = [transfer[name] for name in SEALED]
    said = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(f"{before.hash}{said}".encode()).hexdigest()
    return Link(before.seq + 1, digest)


@dataclass(slots=True)
class Walk:
    """Along the chain, row by row: a seal's `seal_seq`, `transfer_id` and `seal_hash` beside the
    columns of its transfer, which are empty where it is gone."""

    at: Link = START

    def along(self, rows: Iterable[Row]) -> Iterator[BrokenLink]:
        for row in rows:
            yield from self._step(row)
            self.at = Link(row["seal_seq"], row["seal_hash"])

    def _step(self, row: Row) -> Iterator[BrokenLink]:
        expected = self.at.seq + 1
        if row["seal_seq"] != expected:
            # What came before the gap is unknown, and with it what the next hash has to be.
            yield BrokenLink(f"seal {expected}", f"is missing, up to seal {row['seal_seq'] - 1}")
        elif row["id"] is None:
            yield BrokenLink(row["transfer_id"], f"is gone, which seal {expected} covers")
        elif following(self.at, row).hash != row["seal_hash"]:
            yield BrokenLink(
                row["transfer_id"], f"or its seal {expected} is not as it was when it was sealed"
            )

    def end(self, head: Link | None) -> Iterator[BrokenLink]:
        if head is None:
            yield BrokenLink("the head of the seals", "is missing")
        elif self.at != head:
            yield BrokenLink(
                f"seal {head.seq}", f"should be the newest; the chain ends at seal {self.at.seq}"
            )
