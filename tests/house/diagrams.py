"""Writes each machine's diagram into the README of its context, between its two markers.

Run it as `python -m tests.house.diagrams` (`make docs`) after changing a lifecycle.
"""

from __future__ import annotations

import importlib.util
import re

from commerce.kernel.machine import Machine
from tests.house import source


def machines() -> dict[tuple[str, str], Machine]:
    """Every lifecycle of the contexts: (context, name in its model or door) -> machine."""
    return {
        (context, name): value
        for context in source.contexts()
        for module in (f"{context}.model", context)
        if importlib.util.find_spec(module)
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, Machine)
    }


def block(name: str, machine: Machine) -> str:
    diagram = machine.diagram().strip()
    return f"<!-- life:{name} -->\n```mermaid\n{diagram}\n```\n<!-- /life -->"


def with_diagram(readme: str, name: str, machine: Machine) -> str:
    """The README with the diagram of today, at the end where it has no place for it yet."""
    fresh = block(name, machine)
    place = re.compile(rf"<!-- life:{name} -->.*?<!-- /life -->", re.DOTALL)
    if place.search(readme):
        return place.sub(lambda _: fresh, readme)
    return f"{readme.rstrip()}\n\n{fresh}\n"


def write() -> None:
    for (context, name), machine in machines().items():
        readme = source.folder(context) / "README.md"
        readme.write_text(with_diagram(readme.read_text(), name, machine))


if __name__ == "__main__":
    write()
