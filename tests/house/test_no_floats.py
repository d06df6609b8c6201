"""Money is counted, never measured: no float comes near it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house import source
from tests.house.source import Module

MONEY = (
    "commerce/kernel/money.py",
    "commerce/ledger/",
    "commerce/pricing/",
    "commerce/payments/",
    "commerce/orders/",
    "commerce/checkout/",
    "commerce/shipping/defaults.py",
    "commerce/shipping/planning.py",
    "commerce/shipping/zones.py",
)
IMPRECISE = {"math", "statistics", "numpy"}


def floats(module: Module) -> list[str]:
    return [f"{module.path}:{line} {what}" for line, what in _found(module.tree, "")]


def _found(node: ast.AST, name: str) -> Iterator[tuple[int, str]]:
    """Within `name`, which may be a duration: seconds are not money."""
    name = _named(node) or name
    match node:
        case ast.BinOp(op=ast.Div(), lineno=line) | ast.AugAssign(op=ast.Div(), lineno=line):
            yield line, "/"
        case ast.Call(func=ast.Name(id="round"), lineno=line):
            yield line, "round"
        case ast.Constant(value=float() as value, lineno=line) if not _of_time(name):
            yield line, str(value)
        case ast.Name(id="float", lineno=line) if not _of_time(name):
            yield line, "float"
        case ast.Import(names=aliases, lineno=line):
            yield from ((line, alias.name) for alias in aliases if alias.name in IMPRECISE)
        case ast.ImportFrom(module=package, lineno=line) if package in IMPRECISE:
            yield line, str(package)
    for child in ast.iter_child_nodes(node):
        yield from _found(child, name)


def _named(node: ast.AST) -> str:
    match node:
        case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.FunctionDef(name=name):
            return name
        case ast.AnnAssign(target=target) | ast.Assign(targets=[target]):
            return ast.unparse(target)
    return ""


def _of_time(name: str) -> bool:
    return name.lower().endswith(("seconds", "retry_after"))


def test_no_float_comes_near_money():
    modules = [module for module in source.product() if module.path.startswith(MONEY)]

    assert len(modules) > 30
    assert [found for module in modules for found in floats(module)] == []


@pytest.mark.parametrize(
    "line",
    [
        "half = amount_minor / 2",
        "amount_minor /= 2",
        "rate = 0.19",
        "amount = float(text)",
        "amount: float = 1",
        "def price(amount: float) -> int: ...",
        "def price() -> float: ...",
        "amount = round(price)",
        "import math",
        "from math import floor",
        "tax(rate=0.19)",
    ],
)
def test_a_float_is_found(line):
    assert floats(Module("m.py", line))


@pytest.mark.parametrize(
    "line",
    [
        "half = amount_minor // 2",
        "timeout_seconds: float = 10.5",
        "def client(*, timeout_seconds: float) -> None: ...",
        "call(timeout_seconds=0.5)",
        "WAIT_SECONDS = 60.0",
        "share = Decimal('0.19')",
    ],
)
def test_durations_and_exact_numbers_are_allowed(line):
    assert floats(Module("m.py", line)) == []
