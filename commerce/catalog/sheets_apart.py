"""Reads a spreadsheet in a process of its own, with as much memory as a sheet may need.

What a spreadsheet unpacks to is only known by unpacking it, and the library that does so ends the
whole process where there is no memory: here it is one that nobody misses.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from commerce.catalog import sheets_reading
from commerce.catalog.sheets_model import FILE_BYTES_MAX, Line, Sheet, SheetRefused
from commerce.kernel import jsons

MEMORY_BYTES_MAX = 1536 * 1024 * 1024
SECONDS_MAX = 60


def read(content: bytes) -> Sheet:
    """As `sheets_reading.read`, whatever is in it."""
    if not content.startswith(sheets_reading.ARCHIVE):
        return sheets_reading.read(content)
    path = os.pathsep.join(filter(None, sys.path))
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=content,
            capture_output=True,
            timeout=SECONDS_MAX,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise SheetRefused(reason="too_large", maximum=FILE_BYTES_MAX) from None
    said = jsons.loads(done.stdout)
    if "refused" in said:
        raise SheetRefused(**said["refused"])
    return Sheet(
        columns=tuple(said["columns"]),
        ignored=tuple(said["ignored"]),
        lines=tuple(Line(**line) for line in said["lines"]),
    )


def _answer(content: bytes) -> str:
    try:
        return jsons.dumps(sheets_reading.read(content))
    except SheetRefused as refusal:
        return jsons.dumps({"refused": refusal.facts})


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    sys.stdout.write(_answer(sys.stdin.buffer.read()))
