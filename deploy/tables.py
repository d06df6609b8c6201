"""Every table of the project, so that the migrations see the whole schema."""

from __future__ import annotations

import importlib
import pkgutil

import bot
import commerce
import live


def _load() -> tuple[str, ...]:
    loaded = []
    for package in (commerce, bot, live):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith("tables"):
                importlib.import_module(module.name)
                loaded.append(module.name)
    return tuple(loaded)


LOADED = _load()
