"""`livetill doctor`: asks every invariant and says in words what does not hold."""

from __future__ import annotations

from collections.abc import Callable

from commerce.kernel import database
from deploy import invariants


async def report(database_url: str, say: Callable[[str], None]) -> int:
    """0 when every invariant holds, 1 otherwise."""
    connected = await database.connect(database_url)
    try:
        found = await connected.read(invariants.violations)
    finally:
        await connected.close()
    for violation in found:
        facts = ", ".join(f"{name}={value}" for name, value in violation.facts.items())
        say(f"{violation.invariant}: {violation.meaning} ({facts})")
    if not found:
        say(f"All {len(invariants.INVARIANTS)} invariants hold.")
    return 1 if found else 0
