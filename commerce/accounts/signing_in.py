"""Sign-in as an edge uses it: between two short transactions a password is checked in a thread."""

from __future__ import annotations

from collections.abc import Iterable

from commerce.accounts import model, passwords, service
from commerce.accounts.model import Role, Staff
from commerce.kernel import clock
from commerce.kernel.database import Database


async def sign_in(
    database: Database, email: str, password: str, *, address: str = "", replaces: str = ""
) -> str:
    """A fresh session token. `address` is the client's; `replaces` a token that this one ends."""
    try:
        normal = model.normal_email(email)
    except model.BadEmail:
        raise model.WrongCredentials() from None
    found = await database.unit_of_work(lambda tx: service.admit(tx, normal, address))
    fits = await passwords.verified(found.password_hash, password[: model.PASSWORD_LENGTH_MAX + 1])
    if not fits or found.staff_id is None:
        raise model.WrongCredentials()
    staff_id = found.staff_id
    return await database.unit_of_work(
        lambda tx: service.open_session(tx, staff_id, address=address, replaces=replaces)
    )


async def signed_in(database: Database, token: str) -> Staff | None:
    """Whose token this is; notes the visit, at most every few minutes, so that it does not idle."""
    staff = await database.read(lambda tx: service.staff_of(tx, token))
    if staff is not None and clock.now() - staff.seen_at > model.SESSION_TOUCH:
        await database.unit_of_work(lambda tx: service.touch(tx, token))
    return staff


async def hashed_password(password: str, email: str) -> str:
    return await passwords.hashed(model.checked_password(password, model.normal_email(email)))


async def add_staff(
    database: Database,
    *,
    email: str,
    name: str,
    password: str,
    roles: Iterable[Role],
    supplier_id: str = "",
) -> Staff:
    password_hash = await hashed_password(password, email)
    return await database.unit_of_work(
        lambda tx: service.create_staff(
            tx,
            email=email,
            name=name,
            password_hash=password_hash,
            roles=roles,
            supplier_id=supplier_id,
        )
    )
