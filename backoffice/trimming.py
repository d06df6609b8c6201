"""What of an event or a message may be shown: its facts, never what a fan wrote or lives by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Names of facts that are ids, codes or choices of ours. Every other text may be a person's.
OURS = re.compile(
    r"(.*_)?(id|code|key|ref|status|kind|type|reason|currency|provider|sku|event|name_of_event"
    r"|version|direction|ending|action|language|country)"
)
CONVERSATION = re.compile(r"(?P<account>[a-z]+:[a-z0-9_-]+):(?P<address>.+)")
SHOWN_MAX = 120


def shown(facts: Mapping[str, Any]) -> dict[str, str]:
    """Each fact as one line of text, in the order they came."""
    return {str(name): _shown(str(name), fact) for name, fact in facts.items()}


def _shown(name: str, fact: Any) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, int):
        return str(fact)
    if isinstance(fact, Mapping):
        return f"({len(fact)} facts, hidden)"
    if isinstance(fact, list):
        return f"({len(fact)} entries, hidden)"
    text = str(fact)
    if OURS.fullmatch(name):
        return conversation(text)[:SHOWN_MAX]
    return f"({len(text)} characters, hidden)"


def conversation(text: str) -> str:
    """An address at a platform, such as a telephone number, keeps its last two characters."""
    found = CONVERSATION.fullmatch(text)
    if found is None:
        return text
    return f"{found['account']}:…{found['address'][-2:]}"
