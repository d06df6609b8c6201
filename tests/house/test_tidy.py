"""What nobody may leave behind or reach for: notes to self, clocks and dice, swallowed errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house import source
from tests.house.source import Module

NOTE_TO_SELF = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
CLOCKS_AND_DICE = ("random", "secrets", "uuid")
CLOCK_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "time.time", "time.time_ns", "os.urandom",
}  # fmt: skip
# The outermost loops, which must outlive any single piece of work: file -> how many such places.
OUTERMOST_LOOPS = {
    "bot/runtime.py": 2,
    "commerce/kernel/bus.py": 1,
    "commerce/kernel/committer.py": 1,  # the error is the answer of the item that caused it
    "commerce/kernel/outbox.py": 2,
    "commerce/kernel/saga_engine.py": 1,
    "commerce/kernel/sender.py": 1,
    "commerce/kernel/schedule.py": 1,
}


def notes_to_self(module: Module) -> list[str]:
    return [
        f"{module.path}:{number} {line.strip()}"
        for number, line in enumerate(module.text.splitlines(), 1)
        if NOTE_TO_SELF.search(line)
    ]


def clocks_and_dice(module: Module) -> list[str]:
    return [f"{module.path}:{line} {name}" for line, name in _names_used(module.tree)]


def _names_used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, a.name) for a in node.names if a.name in CLOCKS_AND_DICE)
            case ast.ImportFrom(module=package):
                names = [f"{package}.{alias.name}" for alias in node.names]
                wrong = package in CLOCKS_AND_DICE
                yield from ((node.lineno, n) for n in names if wrong or n in CLOCK_CALLS)
            case ast.Attribute():
                dotted = ".".join(ast.unparse(node).split(".")[-2:])
                if dotted in CLOCK_CALLS:
                    yield node.lineno, dotted


def blind_excepts(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and _is_blind(node.type)
        and not isinstance(node.body[-1], ast.Raise)
    ]


def _is_blind(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


def prints(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "pprint"}
    ]


def test_no_note_to_self_is_left():
    assert [note for text in source.texts() for note in notes_to_self(text)] == []


def test_only_the_kernel_reads_clocks_and_throws_dice():
    modules = [m for m in source.product() if not m.path.startswith("commerce/kernel/")]

    assert [use for module in modules for use in clocks_and_dice(module)] == []


def test_only_the_outermost_loops_catch_everything():
    found = {m.path: len(places) for m in source.product() if (places := blind_excepts(m))}

    assert found == OUTERMOST_LOOPS


def test_only_the_command_line_prints():
    modules = [m for m in source.product() if not m.path.startswith("deploy/cli")]

    assert [place for module in modules for place in prints(module)] == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_a_note_to_self_is_found(word):
    assert notes_to_self(Module("a.py", f"x = 1\n# {word}: later\n")) == [f"a.py:2 # {word}: later"]
    assert notes_to_self(Module("a.py", f"my{word}list = 1\n")) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import random", "random"),
        ("from uuid import uuid4", "uuid.uuid4"),
        ("from time import time", "time.time"),
        ("x = datetime.datetime.now(UTC)", "datetime.now"),
        ("x = datetime.now()", "datetime.now"),
        ("x = time.time()", "time.time"),
        ("f = os.urandom", "os.urandom"),
    ],
)
def test_a_clock_or_a_die_is_found(line, name):
    assert clocks_and_dice(Module("a.py", line)) == [f"a.py:1 {name}"]


def test_measuring_a_duration_is_allowed():
    assert clocks_and_dice(Module("a.py", "import time\nstarted = time.monotonic()\n")) == []


@pytest.mark.parametrize(
    "caught", ["", " Exception", " BaseException as e", " (ValueError, Exception)"]
)
def test_a_blind_except_is_found(caught):
    code = f"try:\n    f()\nexcept{caught}:\n    pass\n"

    assert blind_excepts(Module("a.py", code)) == ["a.py:3"]


@pytest.mark.parametrize("handler", ["OSError:\n    pass", "BaseException:\n    undo()\n    raise"])
def test_an_except_that_swallows_nothing_unknown_is_allowed(handler):
    assert blind_excepts(Module("a.py", f"try:\n    f()\nexcept {handler}\n")) == []


def test_a_print_is_found():
    assert prints(Module("a.py", "print('x')\nsprint(1)\n")) == ["a.py:1"]
