"""What others rely on is documented: settings, commands, events and refusals."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer.main

from commerce.kernel.errors import Refusal
from commerce.kernel.events import Event
from tests.house import source

README_LINES_MAX = 60


def unsaid(words: Iterable[str], text: str) -> list[str]:
    """The words that do not stand in the text by themselves."""
    return sorted(word for word in set(words) if not re.search(rf"(?<!\w){word}(?!\w)", text))


def guides() -> str:
    pages = [source.ROOT / "README.md", *sorted((source.ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text() for page in pages)


def kinds(context: str, base: type) -> list[type]:
    """The concrete subclasses of `base` that a context defines."""
    return [
        value
        for path in sorted(source.folder(context).rglob("*.py"))
        for value in vars(importlib.import_module(_dotted(path))).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == _dotted(path)
        and not value.__subclasses__()
    ]


def _dotted(path: Path) -> str:
    parts = path.relative_to(source.ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def test_every_setting_is_documented():
    from deploy.settings import Settings

    names = [f"LIVETILL_{name.upper()}" for name in Settings.model_fields]

    assert unsaid(names, guides()) == []


def test_every_command_is_documented():
    from deploy.cli import app

    commands = typer.main.get_command(app).commands

    assert unsaid([f"livetill {name}" for name in commands], guides()) == []


@pytest.mark.parametrize("context", source.contexts())
def test_the_readme_of_a_context_is_short_and_names_what_it_says_and_refuses(context):
    readme = (source.folder(context) / "README.md").read_text()
    prose = re.sub(r"<!-- life:.*?<!-- /life -->", "", readme, flags=re.DOTALL)

    assert unsaid([event.name for event in kinds(context, Event)], readme) == []
    assert unsaid([refusal.code for refusal in kinds(context, Refusal)], readme) == []
    assert len(prose.splitlines()) <= README_LINES_MAX


def test_a_word_counts_only_where_it_stands_by_itself():
    text = "Set LIVETILL_PORT. It says `order.paid`."

    assert unsaid(["LIVETILL_PORT", "order.paid"], text) == []
    assert unsaid(["LIVETILL_PO", "order.paid.late"], text) == ["LIVETILL_PO", "order.paid.late"]


def test_kinds_are_those_a_module_defines_itself():
    assert [kind.__name__ for kind in kinds("commerce.kernel.machine", Refusal)] == []
    assert "IllegalMove" in {kind.__name__ for kind in kinds("commerce.kernel", Refusal)}
