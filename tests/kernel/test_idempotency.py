"""The same command under the same key has one effect and one answer, however often it comes."""

from __future__ import annotations

import asyncio

import pytest

from commerce.kernel import idempotency, ids
from commerce.kernel.errors import Refusal
from commerce.kernel.idempotency import KeyReused
from tests.kernel.notes import note, notes

BODY = {"sku": "shirt", "quantity": 2}


async def command(database, *, scope="refunds", key="k", body=BODY, refuse=False):
    async def work(tx):
        async def effect():
            effect_id = ids.new_id()
            await note(tx, effect_id)
            if refuse:
                raise Refusal(why="not now")
            return {"effect": effect_id, "nested": {"list": [1, None]}}

        return await idempotency.once(tx, scope, key, body, effect)

    return await database.unit_of_work(work)


async def test_the_same_again_gets_the_first_answer(database):
    first = await command(database)

    assert await command(database) == first
    assert await notes(database) == [first["effect"]]


async def test_of_fifty_at_once_one_has_an_effect_and_all_get_its_answer(database):
    answers = await asyncio.gather(*(command(database) for _ in range(50)))

    assert answers == [answers[0]] * 50
    assert await notes(database) == [answers[0]["effect"]]


async def test_the_order_of_the_body_does_not_matter(database):
    first = await command(database)

    assert await command(database, body=dict(reversed(BODY.items()))) == first


@pytest.mark.parametrize("body", [{}, {"sku": "shirt", "quantity": 3}, BODY | {"more": None}])
async def test_another_body_under_the_key_is_refused(database, body):
    first = await command(database)

    with pytest.raises(KeyReused) as refused:
        await command(database, body=body)

    assert refused.value.facts == {"scope": "refunds", "key": "k"}
    assert await notes(database) == [first["effect"]]


async def test_keys_of_two_scopes_do_not_meet(database):
    one = await command(database, scope="refunds")
    other = await command(database, scope="coupons")

    assert one != other
    assert await notes(database) == sorted([one["effect"], other["effect"]])


async def test_a_refusal_is_not_kept(database):
    with pytest.raises(Refusal):
        await command(database, refuse=True)
    assert await notes(database) == []

    answer = await command(database)
    assert await notes(database) == [answer["effect"]]
