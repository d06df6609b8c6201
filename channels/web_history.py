"""A fan's conversation as a page shows it: what was said and what was answered, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages import Kind
from commerce.kernel import inbox, outgoing
from commerce.kernel.database import Tx

ITEMS_MAX = 60

Said = tuple[str, Mapping[str, Any], int]
Answered = tuple[int, Mapping[str, Any], int]


async def read(tx: Tx, conversation_id: str) -> tuple[int, list[dict[str, Any]]]:
    """The number of the last reply, and the newest items, oldest first."""
    answers: deque[Answered] = deque(maxlen=ITEMS_MAX)
    while page := await outgoing.replies_after(
        tx, conversation_id, answers[-1][0] if answers else 0
    ):
        answers.extend(page)
    said = await inbox.said_by(tx, conversation_id, ITEMS_MAX)
    number = answers[-1][0] if answers else 0
    return number, items(said, answers)


def items(said: Sequence[Said], answers: Sequence[Answered]) -> list[dict[str, Any]]:
    """Both sides merged; a pressed button is shown by the words it had."""
    labels = {c[0]: c[1] for _, body, _ in answers for c in body.get("choices", ())}
    merged = [item for one in said if (item := _said(*one, labels))]
    merged += [
        {"who": "shop", "number": number, "reply": body, "at": at} for number, body, at in answers
    ]
    # Equal instants happen: the question stands before its answer, answers by their number.
    merged.sort(key=lambda item: (item["at"], item.get("number", 0)))
    return merged[-ITEMS_MAX:]


def _said(
    message_id: str, body: Mapping[str, Any], at: int, labels: Mapping[str, str]
) -> dict[str, Any] | None:
    kind = body.get("kind")
    if kind == Kind.CHOICE:
        text = labels.get(body.get("choice", ""), "") or body.get("text", "")
    elif kind == Kind.TEXT:
        text = body.get("text", "")
    else:
        return None
    # The part behind the fan's id is what the page itself called the message.
    return {"who": "fan", "id": message_id.rpartition(":")[2], "text": text, "at": at}
