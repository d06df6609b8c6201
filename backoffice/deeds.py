"""A person's decision from a form: carried out once, with its reason, and answered by a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from backoffice import forms, words, words_operations
from backoffice.desk import Desk, Visit, see_other
from commerce.kernel import ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal

Deed = Callable[[Tx, Intervention], Awaitable[object]]


def will_of(visit: Visit) -> Intervention:
    """Whose decision this is, and why; the key is the one its form was given."""
    key = visit.fields.get("key", "")
    return Intervention(
        key=key if forms.ID.fullmatch(key) else ids.new_id(),
        actor=visit.staff.id,
        actor_name=visit.staff.name,
        # A browser counts the end of a line as one character and sends two.
        reason=visit.fields.get("reason", "").replace("\r\n", "\n"),
    )


async def carried_out(
    desk: Desk, visit: Visit, deed: Deed, *, page: str, said: str
) -> web.Response:
    """In one transaction; then back to `page`, which says what came of it."""
    will = will_of(visit)
    try:
        await desk.database.unit_of_work(lambda tx: deed(tx, will))
    except Refusal as refusal:
        code = refusal.code if words_operations.problem(refusal.code) else words.NOT_POSSIBLE
        return see_other(f"{page}?problem={code}")
    return see_other(f"{page}?said={said}")


def said_of(request: web.Request) -> dict[str, Any]:
    """What the page before left to be said, for the notes of this one."""
    problem = request.query.get("problem", "")
    return {
        "notice": words_operations.NOTICES.get(request.query.get("said", ""), ""),
        "problem": words_operations.problem(problem) or words.problem(problem),
    }
