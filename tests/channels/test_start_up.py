"""Nobody pays at start-up for a platform that is not in use."""

from __future__ import annotations

import subprocess
import sys

BORROWED = {"telegram", "twilio.rest", "httpx"}


def test_the_libraries_of_the_platforms_are_not_imported_with_their_adapters():
    program = (
        "import sys, channels.telegram, channels.whatsapp, channels.twilio\n"
        f"print(sorted({BORROWED!r} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (told.stdout, told.stderr) == ("[]\n", "")
