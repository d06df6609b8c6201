"""People for tests."""

from __future__ import annotations

from commerce import accounts
from commerce.accounts import Address, Role

PASSWORD = "correct horse battery"


def an_address(**changes) -> Address:
    facts = {
        "name": "Ana Ruiz",
        "line1": "Calle Mayor 1",
        "city": "Madrid",
        "postcode": "28013",
        "country": "ES",
    }
    return Address(**(facts | changes))


def a_consent(**changes) -> dict[str, str]:
    facts = {
        "key": "message-1:consent",
        "fan_id": "fan-1",
        "purpose": "terms",
        "text": "I agree to the terms.",
        "text_version": "2026-05",
        "channel": "telegram:platform",
        "reference": "checkout-1",
    }
    return facts | changes


async def a_leader(database, *, email="leader@example.com", roles=(Role.LEADER,)):
    return await accounts.add_staff(
        database, email=email, name="Lea", password=PASSWORD, roles=roles
    )
