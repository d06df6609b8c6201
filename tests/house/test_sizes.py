"""Small functions and small modules; these limits only stop the outliers."""

from __future__ import annotations

import ast

from tests.house import source
from tests.house.source import Module

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400
TEST_MODULE_LINES_MAX = 600


def long_functions(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno} {node.name} has {lines} lines"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def long_modules(modules: list[Module], limit: int) -> list[str]:
    return [f"{m.path} has {m.lines} lines" for m in modules if m.lines > limit]


def test_no_function_is_too_long():
    modules = source.product() + source.tests()

    assert [offence for module in modules for offence in long_functions(module)] == []


def test_no_module_is_too_long():
    assert long_modules(source.product(), MODULE_LINES_MAX) == []
    assert long_modules(source.tests(), TEST_MODULE_LINES_MAX) == []


def test_a_function_of_one_line_too_many_is_found():
    fits = "def f():\n" + "    pass\n" * (FUNCTION_LINES_MAX - 1)

    assert long_functions(Module("a.py", fits)) == []
    assert long_functions(Module("a.py", f"{fits}    pass\n")) == ["a.py:1 f has 61 lines"]


def test_a_module_of_one_line_too_many_is_found():
    assert long_modules([Module("a.py", "\n" * 5)], 5) == []
    assert long_modules([Module("a.py", "\n" * 6)], 5) == ["a.py has 6 lines"]
