"""Every query of the imports of sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from commerce.catalog.sheets_model import (
    Difference,
    Import,
    ImportStatus,
    Item,
    ItemStatus,
    Wrong,
)
from commerce.catalog.sheets_tables import IMPORT_FILES, IMPORT_ITEMS, IMPORTS
from commerce.kernel import jsons
from commerce.kernel.clock import SECOND
from commerce.kernel.columns import Count, Text, any_of, db_now, insert_once
from commerce.kernel.database import Row, Tx

LEASE = 60 * SECOND

ADD = insert_once(IMPORTS, "key")
ADD_FILE = insert(IMPORT_FILES)
FILE = select(IMPORT_FILES.c.content).where(IMPORT_FILES.c.import_id == bindparam("which"))
FORGET_FILE = delete(IMPORT_FILES).where(IMPORT_FILES.c.import_id == bindparam("which"))
ONE = select(IMPORTS).where(IMPORTS.c.id == bindparam("which"))
BY_KEY = select(IMPORTS).where(IMPORTS.c.key == bindparam("key"))
RECENT = (
    select(IMPORTS)
    .where(
        or_(bindparam("supplier", type_=Text) == "", IMPORTS.c.supplier_id == bindparam("supplier"))
    )
    .order_by(IMPORTS.c.started_at.desc(), IMPORTS.c.id.desc())
    .limit(bindparam("most", type_=Count))
)
OPEN = ("waiting", "applying")  # as the index has it
DUE = (
    select(IMPORTS.c.id, IMPORTS.c.fence)
    .where(IMPORTS.c.status.in_(OPEN), IMPORTS.c.lease_until <= db_now())
    .order_by(IMPORTS.c.lease_until)
    .limit(1)
)
TAKE = (
    update(IMPORTS)
    .where(IMPORTS.c.id == bindparam("which"), IMPORTS.c.fence == bindparam("seen"))
    .values(lease_until=bindparam("until"), fence=IMPORTS.c.fence + 1, tries=IMPORTS.c.tries + 1)
)
# What a worker writes, as long as nobody else has taken its work.
OURS = (
    IMPORTS.c.id == bindparam("which"),
    IMPORTS.c.fence == bindparam("ours"),
    IMPORTS.c.status == bindparam("present"),
)
READ_ON = (
    update(IMPORTS)
    .where(*OURS)
    .values(
        lines=bindparam("new_lines"), lines_read=bindparam("read"), lease_until=bindparam("until")
    )
)
COMPARED = (
    update(IMPORTS)
    .where(*OURS)
    .values(
        status=ImportStatus.READY,
        facts=bindparam("new_facts"),
        lines_read=IMPORTS.c.lines,
        lines_wrong=bindparam("new_lines_wrong"),
        created=bindparam("new_created"),
        changed=bindparam("new_changed"),
        unchanged=bindparam("new_unchanged"),
        wrong=bindparam("new_wrong"),
        tries=0,
    )
)
GAVE_UP = (
    update(IMPORTS)
    .where(*OURS)
    .values(
        status=ImportStatus.UNREADABLE,
        problem=bindparam("new_problem"),
        facts=bindparam("new_facts"),
        ended_at=bindparam("now"),
    )
)
SAVED = (
    update(IMPORTS)
    .where(*OURS)
    .values(
        applied=IMPORTS.c.applied + bindparam("more_applied", type_=Count),
        refused=IMPORTS.c.refused + bindparam("more_refused", type_=Count),
        lease_until=bindparam("until"),
        tries=0,
    )
)
FINISHED = update(IMPORTS).where(*OURS).values(status=ImportStatus.DONE, ended_at=bindparam("now"))
LET_GO = update(IMPORTS).where(*OURS).values(lease_until=bindparam("now"))
MOVE = (
    update(IMPORTS)
    .where(IMPORTS.c.id == bindparam("which"), IMPORTS.c.status == bindparam("present"))
    .values(
        status=bindparam("next"), lease_until=bindparam("now"), ended_at=bindparam("new_ended_at")
    )
)
ADD_ITEMS = insert(IMPORT_ITEMS)
FORGET_ITEMS = delete(IMPORT_ITEMS).where(IMPORT_ITEMS.c.import_id == bindparam("which"))
ITEMS = (
    select(IMPORT_ITEMS)
    .where(
        IMPORT_ITEMS.c.import_id == bindparam("which"),
        any_of(IMPORT_ITEMS.c.status, "statuses"),
        IMPORT_ITEMS.c.seq > bindparam("after"),
    )
    .order_by(IMPORT_ITEMS.c.seq)
    .limit(bindparam("most", type_=Count))
)
SETTLE = (
    update(IMPORT_ITEMS)
    .where(
        IMPORT_ITEMS.c.import_id == bindparam("which"),
        IMPORT_ITEMS.c.seq == bindparam("place"),
        IMPORT_ITEMS.c.status == ItemStatus.WAITING,
    )
    .values(status=bindparam("next"), errors=bindparam("new_errors"))
)


@dataclass(frozen=True, slots=True)
class Work:
    """An import that this process has taken, until the lease ends or another takes it."""

    id: str
    fence: int
    status: ImportStatus
    tries: int

    @property
    def ours(self) -> dict[str, Any]:
        return {"which": self.id, "ours": self.fence, "present": self.status}


def import_of(row: Row) -> Import:
    names = Import.__dataclass_fields__.keys()
    found = {name: row[name] for name in names}
    return Import(
        **{
            **found,
            "status": ImportStatus(found["status"]),
            "facts": jsons.loads(found["facts"]),
        }
    )


async def one(tx: Tx, import_id: str) -> Import | None:
    row = await tx.first(ONE, which=import_id)
    return import_of(row) if row else None


async def due(tx: Tx) -> Work | None:
    """The one that waits longest, taken; None where nothing waits or another was quicker."""
    row = await tx.first(DUE)
    if row is None:
        return None
    given = {"which": row["id"], "seen": row["fence"], "until": await tx.now() + LEASE}
    if not await tx.run(TAKE, **given):
        return None
    taken = await tx.first(ONE, which=row["id"])
    assert taken is not None
    return Work(taken["id"], taken["fence"], ImportStatus(taken["status"]), taken["tries"])


async def add_items(tx: Tx, import_id: str, items: Sequence[Item], *, after: int) -> None:
    await tx.run_many(
        ADD_ITEMS,
        [
            {
                "import_id": import_id,
                "seq": seq,
                "line": item.line,
                "title": item.title,
                "product_id": item.product_id,
                "product_version": item.product_version,
                "status": item.status,
                "wanted": jsons.dumps(dict(item.wanted)),
                "differences": jsons.dumps([asdict(one) for one in item.differences]),
                "errors": jsons.dumps([one.to_json() for one in item.errors]),
            }
            for seq, item in enumerate(items, after + 1)
        ],
    )


async def items(
    tx: Tx, import_id: str, statuses: Sequence[ItemStatus], most: int, after: int = 0
) -> list[Item]:
    rows = await tx.all(ITEMS, which=import_id, statuses=list(statuses), most=most, after=after)
    return [_item(row) for row in rows]


async def settle(
    tx: Tx, import_id: str, seq: int, status: ItemStatus, errors: Sequence[Wrong] = ()
) -> bool:
    """False where it was settled before."""
    written = jsons.dumps([one.to_json() for one in errors])
    given = {"which": import_id, "place": seq, "next": status, "new_errors": written}
    return bool(await tx.run(SETTLE, **given))


def _item(row: Row) -> Item:
    return Item(
        seq=row["seq"],
        line=row["line"],
        title=row["title"],
        product_id=row["product_id"],
        product_version=row["product_version"],
        status=ItemStatus(row["status"]),
        wanted=jsons.loads(row["wanted"]),
        differences=tuple(Difference(**one) for one in jsons.loads(row["differences"])),
        errors=tuple(Wrong(**one) for one in jsons.loads(row["errors"])),
    )
