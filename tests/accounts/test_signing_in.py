import asyncio

import pytest

from commerce import accounts
from commerce.accounts import Role, model
from commerce.accounts.jobs import forget_old_sign_ins
from commerce.accounts.tables import SIGN_IN_TRIES, STAFF, STAFF_SESSIONS
from commerce.kernel.clock import DAY, HOUR, MINUTE
from tests.accounts.factories import PASSWORD, a_leader

HOME, ELSEWHERE = "203.0.113.9", "198.51.100.7"
EMAIL = "leader@example.com"


async def sign_in(database, email=EMAIL, password=PASSWORD, address=HOME, **more):
    return await accounts.sign_in(database, email, password, address=address, **more)


async def owner(database, token):
    return await database.read(lambda tx: accounts.staff_of(tx, token))


async def rows(database, table):
    return [dict(row) for row in await database.read(lambda tx: tx.all(table.select()))]


async def guess(database, times, address, email=EMAIL):
    for n in range(times):
        with pytest.raises(accounts.WrongCredentials):
            await sign_in(database, email, f"wrong guess {n}", address)


async def test_the_right_password_opens_a_session(database, clock):
    leader = await a_leader(database)

    token = await sign_in(database, " LEADER@Example.com ")

    assert (await owner(database, token)).id == leader.id
    assert (await owner(database, token)).roles == {Role.LEADER}
    assert await owner(database, f"{token}x") is None


async def test_neither_password_nor_token_is_stored(database, clock):
    await a_leader(database)

    token = await sign_in(database)

    stored = str(await rows(database, STAFF) + await rows(database, STAFF_SESSIONS))
    assert token not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored


async def test_wrong_password_unknown_email_and_no_email_are_refused_alike(database, clock):
    await a_leader(database)
    refusals = []
    for email in (EMAIL, "nobody@example.com", "not an e-mail"):
        with pytest.raises(accounts.WrongCredentials) as refused:
            await sign_in(database, email, "a wrong password")
        refusals.append(refused.value.facts)

    assert refusals == [{}, {}, {}]
    assert await rows(database, STAFF_SESSIONS) == []


async def test_each_sign_in_has_a_token_of_its_own_and_ends_the_one_it_replaces(database, clock):
    await a_leader(database)
    first = await sign_in(database)

    second = await sign_in(database, replaces=first)

    assert first != second
    assert await owner(database, first) is None
    assert await owner(database, second) is not None


async def test_signing_out_ends_this_session_only(database, clock):
    await a_leader(database)
    phone, laptop = await sign_in(database), await sign_in(database)

    await database.unit_of_work(lambda tx: accounts.sign_out(tx, phone))

    assert await owner(database, phone) is None
    assert await owner(database, laptop) is not None


async def test_a_session_idles_out_unless_it_is_used(database, clock):
    await a_leader(database)
    idle, used = await sign_in(database), await sign_in(database)
    clock.advance(11 * HOUR)
    await accounts.signed_in(database, used)

    clock.advance(HOUR)

    assert await owner(database, idle) is None
    assert await owner(database, used) is not None


async def test_a_session_ends_after_a_week_however_much_it_is_used(database, clock):
    await a_leader(database)
    token = await sign_in(database)
    for _ in range(20):
        clock.advance(8 * HOUR)
        assert await accounts.signed_in(database, token) is not None

    clock.advance(8 * HOUR)

    assert await accounts.signed_in(database, token) is None


async def test_visits_are_noted_every_few_minutes_only(database, clock):
    await a_leader(database)
    token = await sign_in(database)
    opened = clock.now()

    clock.advance(MINUTE)
    await accounts.signed_in(database, token)
    assert [row["seen_at"] for row in await rows(database, STAFF_SESSIONS)] == [opened]

    clock.advance(model.SESSION_TOUCH)
    await accounts.signed_in(database, token)
    assert [row["seen_at"] for row in await rows(database, STAFF_SESSIONS)] == [clock.now()]


async def test_a_disabled_person_is_out_at_once_and_stays_out(database, clock):
    leader = await a_leader(database)
    token = await sign_in(database)

    await database.unit_of_work(lambda tx: accounts.disable_staff(tx, leader.id))

    assert await owner(database, token) is None
    with pytest.raises(accounts.WrongCredentials):
        await sign_in(database)
    await database.unit_of_work(lambda tx: accounts.enable_staff(tx, leader.id))
    assert await owner(database, token) is None
    assert await sign_in(database)


async def test_a_new_password_ends_what_the_old_one_opened(database, clock):
    leader = await a_leader(database)
    token = await sign_in(database)
    other = await accounts.hashed_password("another long password", EMAIL)

    await database.unit_of_work(lambda tx: accounts.set_password(tx, leader.id, other))

    assert await owner(database, token) is None
    with pytest.raises(accounts.WrongCredentials):
        await sign_in(database)
    assert await sign_in(database, password="another long password")


async def test_an_email_is_taken_once_in_whatever_form(database, clock):
    await a_leader(database)

    with pytest.raises(accounts.EmailTaken):
        await a_leader(database, email="LEADER@example.com")

    assert len(await rows(database, STAFF)) == 1


async def test_after_too_many_guesses_even_the_right_password_has_to_wait(database, clock):
    await a_leader(database)
    await guess(database, model.EMAIL_LIMIT.tries, ELSEWHERE)

    with pytest.raises(accounts.TooManyTries) as refused:
        await sign_in(database)

    assert refused.value.facts == {"retry_after_seconds": 60}
    clock.advance(MINUTE)
    assert await sign_in(database)


async def test_a_refused_try_costs_nothing_so_that_nobody_is_locked_out_for_ever(database, clock):
    await a_leader(database)
    await guess(database, model.EMAIL_LIMIT.tries, ELSEWHERE)
    before = await rows(database, SIGN_IN_TRIES)

    for _ in range(5):
        with pytest.raises(accounts.TooManyTries):
            await sign_in(database, password="one more guess", address=ELSEWHERE)

    assert await rows(database, SIGN_IN_TRIES) == before


async def test_a_guesser_elsewhere_does_not_slow_the_owner_at_home(database, clock):
    await a_leader(database)
    await sign_in(database, address=HOME)
    await guess(database, model.EMAIL_LIMIT.tries, ELSEWHERE)

    with pytest.raises(accounts.TooManyTries):
        await sign_in(database, address=ELSEWHERE)

    assert await sign_in(database, address=HOME)


async def test_one_network_cannot_guess_through_many_emails(database, clock):
    for n in range(model.ADDRESS_LIMIT.tries):
        await guess(database, 1, ELSEWHERE, f"person{n}@example.com")

    with pytest.raises(accounts.TooManyTries) as refused:
        await sign_in(database, "next@example.com", address=ELSEWHERE)

    assert refused.value.facts == {"retry_after_seconds": 20}


async def test_a_burst_of_guesses_at_once_gets_no_more_than_its_tries(database, clock):
    await a_leader(database)

    outcomes = await asyncio.gather(
        *(sign_in(database, password=f"wrong guess {n}") for n in range(20)),
        return_exceptions=True,
    )

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(accounts.WrongCredentials) == model.EMAIL_LIMIT.tries
    assert kinds.count(accounts.TooManyTries) == 20 - model.EMAIL_LIMIT.tries


async def test_signing_in_gives_the_tries_back(database, clock):
    await a_leader(database)
    for _ in range(model.ADDRESS_LIMIT.tries + 5):
        await sign_in(database)


async def test_old_tries_and_sessions_are_forgotten_in_time(database, clock):
    await a_leader(database)
    await sign_in(database)
    await guess(database, 3, ELSEWHERE)

    clock.advance(HOUR)
    assert await forget_old_sign_ins(database) == 3
    assert await rows(database, SIGN_IN_TRIES) == []

    clock.advance(model.SESSION_ABSOLUTE + model.NETWORK_KNOWN)
    assert await forget_old_sign_ins(database) == 1
    assert await rows(database, STAFF_SESSIONS) == []


async def test_a_session_of_yesterday_is_not_forgotten_with_the_tries(database, clock):
    await a_leader(database)
    token = await sign_in(database)

    clock.advance(11 * HOUR)
    await forget_old_sign_ins(database)

    assert await owner(database, token) is not None
    clock.advance(DAY)
    assert await owner(database, token) is None
