"""Use cases of the people, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from commerce.accounts import model, store
from commerce.accounts.model import Address, Consent, Credentials, Fan, Role, Staff
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused

# --- fans ---------------------------------------------------------------------------------------


async def fan_of(tx: Tx, conversation_id: str, name: str = "", language: str = "") -> Fan:
    """The fan who writes here; made on the first message, with what the platform said of them."""
    known = await store.fan_in_conversation(tx, conversation_id)
    if known is not None:
        return known
    fan = Fan(id=ids.new_id(), name=name, language=language)
    if await store.add_fan(tx, fan, conversation_id):
        return fan
    winner = await store.fan_in_conversation(tx, conversation_id)
    if winner is None:
        raise Contended(f"{conversation_id} is being added")
    return winner


async def known_fan(tx: Tx, conversation_id: str) -> Fan | None:
    return await store.fan_in_conversation(tx, conversation_id)


async def fan(tx: Tx, fan_id: str) -> Fan:
    found = await store.fan(tx, fan_id)
    if found is None:
        raise model.NoSuchFan(fan_id=fan_id)
    return found


async def set_language(tx: Tx, fan_id: str, language: str) -> None:
    await store.save_fan(tx, replace(await fan(tx, fan_id), language=language))


async def address_of(tx: Tx, fan_id: str) -> Address | None:
    return (await fan(tx, fan_id)).address


async def save_address(tx: Tx, fan_id: str, address: Address) -> None:
    known = await fan(tx, fan_id)
    if known.address != address:
        await store.save_fan(tx, replace(known, address=address))


async def record_consent(
    tx: Tx,
    *,
    key: str,
    fan_id: str,
    purpose: str,
    text: str,
    text_version: str,
    channel: str,
    reference: str,
) -> Consent:
    """Keep what was agreed to, once per key; the key with other words is refused."""
    consent = Consent(
        key=key,
        fan_id=fan_id,
        purpose=purpose,
        text=text,
        text_version=text_version,
        channel=channel,
        reference=reference,
        at=clock.now(),
    )
    if await store.add_consent(tx, consent):
        return consent
    recorded = await store.consent(tx, key)
    if field := model.difference(recorded, consent):
        raise KeyReused(scope="consents", key=key, field=field)
    return recorded


async def consents_of(tx: Tx, fan_id: str) -> list[Consent]:
    return await store.consents_of(tx, fan_id)


# --- staff --------------------------------------------------------------------------------------


async def create_staff(
    tx: Tx,
    *,
    email: str,
    name: str,
    password_hash: str,
    roles: Iterable[Role],
    supplier_id: str = "",
) -> Staff:
    """`password_hash` comes from `hashed_password`: hashing has no place in a transaction."""
    staff = Staff(
        id=ids.new_id(),
        email=model.normal_email(email),
        name=name,
        roles=frozenset(roles),
        supplier_id=supplier_id,
    )
    if not await store.add_staff(tx, staff, password_hash):
        raise model.EmailTaken(email=staff.email)
    return staff


async def staff(tx: Tx, staff_id: str) -> Staff:
    found = await store.staff(tx, staff_id)
    if found is None:
        raise model.NoSuchStaff(staff_id=staff_id)
    return found


async def all_staff(tx: Tx) -> list[Staff]:
    return await store.all_staff(tx)


async def disable_staff(tx: Tx, staff_id: str) -> None:
    """Nothing of this person's works from the next request on, in any browser."""
    if not await store.set_disabled(tx, staff_id, clock.now()):
        raise model.NoSuchStaff(staff_id=staff_id)
    await store.end_sessions_of(tx, staff_id)


async def enable_staff(tx: Tx, staff_id: str) -> None:
    if not await store.set_disabled(tx, staff_id, None):
        raise model.NoSuchStaff(staff_id=staff_id)


async def set_password(tx: Tx, staff_id: str, password_hash: str) -> None:
    """A new password ends every session that the old one opened."""
    if not await store.set_password(tx, staff_id, password_hash):
        raise model.NoSuchStaff(staff_id=staff_id)
    await store.end_sessions_of(tx, staff_id)


# --- signing in ---------------------------------------------------------------------------------


async def admit(tx: Tx, email: str, address: str) -> Credentials:
    """Charge one try before the password is looked at, so that a burst of guesses is counted.

    Refused with TooManyTries when the buckets are empty. The e-mail's own bucket is not asked
    where this person has signed in from the same network before: a guesser elsewhere cannot keep
    them out.
    """
    network = model.network_of(address)
    found = await store.credentials(tx, email)
    limits = {model.digest("network", network): model.ADDRESS_LIMIT}
    if not await _knows(tx, found.staff_id, network):
        limits[model.digest("email", email)] = model.EMAIL_LIMIT
    buckets = await store.lock_tries(tx, list(limits))
    now = await tx.now()
    charged = {name: limit.charge(buckets[name], now) for name, limit in limits.items()}
    await store.save_tries(tx, charged)
    return found


async def _knows(tx: Tx, staff_id: str | None, network: str) -> bool:
    if staff_id is None:
        return False
    return await store.signed_in_from(tx, staff_id, model.digest("network", network))


async def open_session(tx: Tx, staff_id: str, *, address: str, replaces: str = "") -> str:
    """A new token after a proven password; the tries that led to it are given back."""
    person = await staff(tx, staff_id)
    if not person.enabled:
        raise model.WrongCredentials()
    if replaces:
        await sign_out(tx, replaces)
    await _give_back(tx, person.email, model.network_of(address))
    token = ids.token()
    network_hash = model.digest("network", model.network_of(address))
    await store.add_session(
        tx, model.digest("token", token), staff_id, network_hash, model.SESSION_ABSOLUTE
    )
    return token


async def _give_back(tx: Tx, email: str, network: str) -> None:
    by_email, by_network = model.digest("email", email), model.digest("network", network)
    buckets = await store.lock_tries(tx, [by_email, by_network])
    left = buckets[by_network] - model.ADDRESS_LIMIT.interval
    await store.save_tries(tx, {by_email: 0, by_network: left})


async def staff_of(tx: Tx, token: str) -> Staff | None:
    """Whose session this is; None when it ended, idled out, or the person was disabled."""
    return await store.staff_of_session(tx, model.digest("token", token), model.SESSION_IDLE)


async def touch(tx: Tx, token: str) -> None:
    await store.touch_session(tx, model.digest("token", token))


async def sign_out(tx: Tx, token: str) -> None:
    await store.end_session(tx, model.digest("token", token))
