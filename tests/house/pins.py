"""Writes the pinned requirements: what pyproject.toml names, and all that those need, as installed.

Run it as `python -m tests.house.pins` after installing another version of something.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
HEAD = "# Written by `python -m tests.house.pins` from pyproject.toml; do not edit.\n"
# Not installed where the pins are written: only the first releases of Python 3.11 need it.
OLDER_PYTHONS = ('async-timeout==5.0.1 ; python_full_version < "3.11.3"',)


def named(group: str) -> list[str]:
    """What pyproject.toml asks for directly: "run" or "dev"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] if group == "run" else project["optional-dependencies"]["dev"]


def needed(requirements: Iterable[str]) -> set[str]:
    """The names of these packages and of everything they need in this environment."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if not _applies(requirement.marker, extra):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in found:
                found.add((name, wanted))
                waiting += [(Requirement(r), wanted) for r in metadata.requires(name) or ()]
    return {name for name, _ in found}


def _applies(marker: Marker | None, extra: str) -> bool:
    return marker is None or marker.evaluate({"extra": extra})


def written() -> dict[str, str]:
    """Name and text of each requirements file."""
    run = needed(named("run"))
    dev = needed(named("dev")) - run
    return {
        "requirements.txt": HEAD + _lines(run, OLDER_PYTHONS),
        "requirements-dev.txt": HEAD + "-r requirements.txt\n" + _lines(dev, ()),
    }


def _lines(names: Iterable[str], more: Iterable[str]) -> str:
    pins = [f"{name}=={metadata.version(name)}" for name in names]
    return "".join(f"{line}\n" for line in sorted([*pins, *more]))


if __name__ == "__main__":
    for file, text in written().items():
        (ROOT / file).write_text(text)
