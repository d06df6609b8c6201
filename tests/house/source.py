"""The project's own source, as the house tests read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "channels", "commerce", "live", "backoffice", "deploy")
TEXTS = (".py", ".md", ".html", ".txt", ".css", ".js", ".sh", ".toml", ".yaml", ".yml", ".po")


@dataclass(frozen=True)
class Module:
    path: str  # relative to the root
    text: str

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


def product() -> list[Module]:
    return [_read(path) for package in PACKAGES for path in _files(package, ".py")]


def tests() -> list[Module]:
    return [_read(path) for path in _files("tests", ".py")]


def texts() -> list[Module]:
    """Everything a person wrote, in whatever language."""
    folders = (*PACKAGES, "tests", "templates", "docs", ".ci")
    found = [_read(path) for folder in folders for path in _files(folder, *TEXTS)]
    return found + [_read(path) for path in ROOT.iterdir() if path.suffix in TEXTS]


def contexts() -> list[str]:
    """The folders of commerce that are contexts, and `live`, which is built like one."""
    inside = [path for path in (ROOT / "commerce").iterdir() if (path / "__init__.py").exists()]
    return ["live", *(f"commerce.{path.name}" for path in sorted(inside) if path.name != "kernel")]


def folder(context: str) -> Path:
    return ROOT / context.replace(".", "/")


def _files(folder: str, *suffixes: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in suffixes and "__pycache__" not in path.parts:
            yield path


def _read(path: Path) -> Module:
    return Module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
