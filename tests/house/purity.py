"""Which modules a pure module really uses, followed name by name through our own imports.

A name taken from a package's door is followed to the module where the door has it from: to use
`accounts.Address` is to use commerce.accounts.model, and not all that stands beside it in the door.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.house.source import Module

OUTSIDE_WORLD = {
    "sqlalchemy", "sqlite3", "asyncpg", "alembic", "aiohttp", "httpx", "redis", "rq", "stripe",
    "telegram", "twilio", "socket", "asyncio", "threading", "subprocess", "structlog",
}  # fmt: skip
Name = tuple[str, str]  # a module and what is taken from it; "" = the module itself


class Project:
    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = {module.name: module for module in modules}

    def impurities(self, module: str) -> list[str]:
        """Each way by which `module` reaches the outside world, as `a > b > sqlalchemy`."""
        seen: set[str] = set()
        waiting = [(module, module)]
        found = []
        while waiting:
            name, way = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name.partition(".")[0] in OUTSIDE_WORLD:
                found.append(way)
            elif name in self._modules:
                waiting += [(n, f"{way} > {n}") for n in self.uses(name)]
        return sorted(found)

    def uses(self, name: str) -> set[str]:
        module = self._modules[name]
        taken = _imports(module)
        return {self._home(where, what) for where, what in _narrowed(module, taken, self._modules)}

    def _home(self, where: str, what: str) -> str:
        """The module in which `what`, as imported from `where`, is defined."""
        if f"{where}.{what}" in self._modules:
            return f"{where}.{what}"
        package = self._modules.get(where)
        if what and package and package.is_package:
            for local, (origin, original) in _imports(package).items():
                if local == what:
                    return self._home(origin, original)
        return where


def _imports(module: Module) -> dict[str, Name]:
    """Local name -> where it comes from, for every import that happens at run time."""
    found: dict[str, Name] = {}
    for node in _run_time(module.tree):
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name: (a.name, "") for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: (_origin(node, module), a.name) for a in node.names}
    return found


def _origin(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    base = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*base, *filter(None, [node.module])])


def _run_time(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run_time(child)


def _narrowed(module: Module, taken: dict[str, Name], known: Iterable[str]) -> Iterator[Name]:
    """A package that was imported as a whole becomes the names used from it."""
    for local, (where, what) in taken.items():
        package = where if not what else f"{where}.{what}"
        if package not in known:
            yield where, what
            continue
        used = {
            node.attr
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == local
        }
        yield from ((package, name) for name in used or {""})
