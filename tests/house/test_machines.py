"""Every lifecycle: its whole square of statuses and actions, and its diagram in the README."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

import pytest

from commerce.kernel.machine import IllegalMove, Machine
from tests.house import diagrams, source


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


class Press(StrEnum):
    GO = "go"
    STOP = "stop"


LIGHTS = Machine(start=Light.RED, moves={(Light.RED, Press.GO): Light.GREEN})
LIVES = [pytest.param(*key, life, id=".".join(key)) for key, life in diagrams.machines().items()]


def outcome(machine, status, action):
    try:
        return machine.after(status, action)
    except IllegalMove as refused:
        return refused.facts


def actions(machine):
    return tuple(type(next(iter(machine.moves))[1]))


@pytest.mark.parametrize(("context", "name", "machine"), LIVES)
def test_a_machine_moves_as_its_table_says_and_in_no_other_way(context, name, machine):
    square = list(product(machine.statuses, actions(machine)))

    assert {cell: outcome(machine, *cell) for cell in square} == {
        (status, action): machine.moves.get(
            (status, action), {"status": str(status), "action": str(action)}
        )
        for status, action in square
    }


@pytest.mark.parametrize(("context", "name", "machine"), LIVES)
def test_every_action_leads_somewhere_and_final_statuses_lead_nowhere(context, name, machine):
    assert {action for _, action in machine.moves} == set(actions(machine))
    assert machine.final == set(machine.statuses) - {status for status, _ in machine.moves}


@pytest.mark.parametrize(("context", "name", "machine"), LIVES)
def test_the_readme_shows_the_machine_of_today(context, name, machine):
    readme = (source.folder(context) / "README.md").read_text()

    assert diagrams.block(name, machine) in readme, "run `make docs`"


def test_the_contexts_have_lifecycles():
    assert {context for context, _ in diagrams.machines()} >= {
        "commerce.orders",
        "commerce.payments",
    }


def test_a_stale_diagram_is_replaced_and_a_missing_one_is_added():
    fresh = diagrams.block("LIGHTS", LIGHTS)
    stale = "# Lights\n\n<!-- life:LIGHTS -->\nold\n<!-- /life -->\n\nThe end.\n"

    assert diagrams.with_diagram(stale, "LIGHTS", LIGHTS) == f"# Lights\n\n{fresh}\n\nThe end.\n"
    assert diagrams.with_diagram("# Lights\n", "LIGHTS", LIGHTS) == f"# Lights\n\n{fresh}\n"


def test_a_move_that_is_not_written_is_refused():
    assert outcome(LIGHTS, Light.RED, Press.GO) is Light.GREEN
    assert outcome(LIGHTS, Light.GREEN, Press.STOP) == {"status": "green", "action": "stop"}
