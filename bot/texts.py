"""Our words in every language; what a fan wrote is only ever a value put into them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "es")
Template = str | Mapping[str, str]  # the forms "one" and "other" where a count decides


@dataclass(frozen=True, slots=True)
class Texts:
    templates: Mapping[str, Mapping[str, Template]]  # language -> key -> words

    @classmethod
    def load(cls, folder: Path) -> Texts:
        """Every `<language>/bot.toml` of the folder."""
        return cls({lang: _read(folder / lang / "bot.toml") for lang in LANGUAGES})

    def render(self, key: str, language: str, **facts: Any) -> str:
        template = self.templates[language][key]
        if not isinstance(template, str):
            template = template["one" if facts["count"] == 1 else "other"]
        return template.format_map(facts)

    def has(self, key: str) -> bool:
        return key in self.templates[LANGUAGES[0]]


def language_of(code: str) -> str:
    """Ours for a platform's code: "es-419" -> "es", anything unknown -> English."""
    short = code[:2].lower()
    return short if short in LANGUAGES else LANGUAGES[0]


def _read(path: Path) -> dict[str, Template]:
    return dict(_flat("", tomllib.loads(path.read_text("utf-8"))))


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, Template]]:
    found: list[tuple[str, Template]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            found.append((key, value.strip()))
        elif set(value) == {"one", "other"}:
            found.append((key, value))
        else:
            found += _flat(f"{key}.", value)
    return found
