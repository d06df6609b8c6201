"""What gathers is committed together, in order; one bad item fails alone."""

from __future__ import annotations

import asyncio

import pytest

from commerce.kernel.committer import GroupCommitter
from commerce.kernel.errors import Outage, Refusal
from tests.kernel.notes import note, notes

NAMES = [f"{number:03}" for number in range(100)]


class Desk:
    """Writes each item as a note, and remembers the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun = asyncio.Event()
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def write(self, tx, items):
        self.groups.append(list(items))
        self.begun.set()
        await self.may_go.wait()
        answers = []
        for item in items:
            if item == "bug":
                raise ValueError(item)
            if item == "outage":
                raise Outage("away")
            if item == "no":
                answers.append(Refusal(item=item))
                continue
            await note(tx, item)
            answers.append(f"kept {item}")
        return answers


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def committer(database, desk):
    return GroupCommitter("test", database, desk.write, group_max=32)


async def submitted(committer, names):
    return await asyncio.gather(*(committer.submit(n) for n in names), return_exceptions=True)


async def test_each_gets_its_own_answer_once_it_is_durable(committer, database):
    assert await submitted(committer, NAMES) == [f"kept {name}" for name in NAMES]
    assert await notes(database) == NAMES


async def test_order_is_kept_and_groups_have_a_limit(committer, desk):
    await submitted(committer, NAMES)

    assert [name for group in desk.groups for name in group] == NAMES
    assert [len(group) for group in desk.groups] == [32, 32, 32, 4]


async def test_what_comes_during_a_commit_goes_together_with_the_next(committer, desk):
    desk.may_go.clear()
    first = asyncio.create_task(committer.submit("first"))
    await desk.begun.wait()
    later = asyncio.create_task(submitted(committer, NAMES[:10]))
    await asyncio.sleep(0)
    desk.may_go.set()
    await asyncio.gather(first, later)

    assert desk.groups == [["first"], NAMES[:10]]


async def test_a_bad_item_fails_alone(committer, database):
    answers = await submitted(committer, ["a", "bug", "b", "c"])

    assert isinstance(answers[1], ValueError)
    assert [answers[0], answers[2], answers[3]] == ["kept a", "kept b", "kept c"]
    assert await notes(database) == ["a", "b", "c"]


async def test_a_bad_item_does_not_disturb_the_order_of_the_others(committer, desk):
    await submitted(committer, ["a", "bug", "b", "c"])

    assert desk.groups == [["a", "bug", "b", "c"], ["a"], ["bug"], ["b"], ["c"]]


async def test_an_item_that_is_refused_takes_nothing_from_its_group(committer, database, desk):
    answers = await submitted(committer, ["a", "no", "b"])

    assert isinstance(answers[1], Refusal)
    assert (answers[0], answers[2]) == ("kept a", "kept b")
    assert await notes(database) == ["a", "b"]
    assert len(desk.groups) == 1


async def test_an_outage_is_told_to_all_and_leaves_nothing(committer, database, desk):
    answers = await submitted(committer, ["a", "outage", "b"])

    assert [type(answer) for answer in answers] == [Outage] * 3
    assert await notes(database) == []
    assert len(desk.groups) == 1


async def test_after_an_outage_it_goes_on(committer, database):
    await submitted(committer, ["outage"])

    assert await submitted(committer, ["a"]) == ["kept a"]
    assert await notes(database) == ["a"]


async def test_a_cancelled_submitter_takes_nobody_along(committer, desk, database):
    desk.may_go.clear()
    tasks = [asyncio.create_task(committer.submit(name)) for name in ["a", "b", "c"]]
    await desk.begun.wait()
    tasks[1].cancel()
    desk.may_go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert (answers[0], answers[2]) == ("kept a", "kept c")
    assert isinstance(answers[1], asyncio.CancelledError)
    assert await notes(database) == ["a", "b", "c"]
    assert await committer.submit("d") == "kept d"


async def test_closing_waits_until_everything_is_durable(committer, database):
    tasks = [asyncio.create_task(committer.submit(name)) for name in NAMES]
    await asyncio.sleep(0)
    await committer.close()

    assert await notes(database) == NAMES
    await asyncio.gather(*tasks)
