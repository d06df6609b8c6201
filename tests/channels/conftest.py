"""What the tests of the channels share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commerce.kernel import crashpoints


@pytest.fixture
def crashpoint_tally(tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """The names of the crash points passed so far."""
    tally = tmp_path / "tally"
    crashpoints.arm(tally=tally)
    yield lambda: [line.split()[1] for line in tally.read_text().splitlines()]
    crashpoints.arm()
