"""Imports point one way, contexts are entered through their doors, and decisions touch nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.house import source
from tests.house.front_door import FrontDoorContract
from tests.house.purity import Project
from tests.house.source import Module

PURE = re.compile(r"(.*/)?(model|events)\.py|bot/step[^/]*\.py|bot/step/.*\.py")
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]


def test_imports_keep_every_contract():
    done = subprocess.run(LINT, cwd=source.ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_an_import_against_the_direction_is_found(tmp_path):
    _package(tmp_path, "inner", "import outer\n")
    _package(tmp_path, "outer", "")
    rules = 'root_packages = ["inner", "outer"]\n[[tool.importlinter.contracts]]\nname = "x"\n'
    layers = 'type = "layers"\nlayers = ["outer", "inner"]\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.importlinter]\n{rules}{layers}")

    done = subprocess.run(LINT, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "inner -> outer" in done.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("shop.orders.service", "shop.orders.model", True),
        ("shop.checkout.flow", "shop.orders", True),
        ("shop.checkout.flow", "shop.orders.model", False),
        ("shop.checkout.flow", "shop.kernel.clock", True),
        ("shop.checkout.flow", "shop.orders.tables", False),
        ("root.wiring", "shop.orders.tables", True),
        ("root.wiring", "shop.orders.gateways.stripe", True),
        ("root.wiring", "shop.orders.late_jobs", True),
        ("shop.checkout.flow", "shop.orders.late_jobs", False),
        ("root.wiring", "shop.orders.store", False),
    ],
)
def test_a_context_is_entered_through_its_door(importer, imported, kept):
    graph = grimp.ImportGraph()
    for module in ("shop", "shop.kernel", "shop.orders", "shop.checkout", importer, imported):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    options = {"container": "shop", "open": ["shop.kernel"], "composition_root": "root"}

    contract = FrontDoorContract("doors", {}, options)

    assert contract.check(graph, verbose=False).kept is kept


def test_decisions_touch_nothing():
    project = Project(source.product())
    pure = [module for module in source.product() if PURE.fullmatch(module.path)]

    assert [way for module in pure for way in project.impurities(module.name)] == []


DOOR = "from shop.accounts.model import Address\nfrom shop.accounts.service import save\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import sqlalchemy as sa\n", ["step > sqlalchemy"]),
        ("from aiohttp import web\n", ["step > aiohttp"]),
        ("def f():\n    import sqlite3\n", ["step > sqlite3"]),
        ("from shop.accounts import Address\n", []),
        ("from shop import accounts\nx = accounts.Address\n", []),
        ("import shop.accounts\nx = shop.accounts.Address\n", []),
        ("from shop.accounts import save\n", ["step > shop.accounts.service > asyncpg"]),
        (
            "from shop import accounts\nx = accounts.save\n",
            ["step > shop.accounts.service > asyncpg"],
        ),
        ("if TYPE_CHECKING:\n    from shop.accounts import save\n", []),
    ],
)
def test_purity_is_followed_name_by_name(code, found):
    project = Project(
        [
            Module("shop/__init__.py", ""),
            Module("shop/accounts/__init__.py", DOOR),
            Module("shop/accounts/model.py", "import dataclasses\n"),
            Module("shop/accounts/service.py", "from .model import Address\nimport asyncpg\n"),
            Module("step.py", code),
        ]
    )

    assert project.impurities("step") == found


def _package(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
