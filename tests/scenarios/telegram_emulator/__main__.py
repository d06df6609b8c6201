"""A whole purchase through a Telegram emulator of others, on demand: needs node and npm.

.venv/bin/python -m tests.scenarios.telegram_emulator
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.channels.stand_ins import SECRET, TOKEN
from tests.scenarios.fans import TELEGRAM
from tests.scenarios.running import Till, free_port

HERE = Path(__file__).parent
BUY_SECONDS_MAX = 120


def installed(folder: Path) -> Path:
    """The emulator in the versions of the lock file."""
    for name in ("package.json", "package-lock.json", "fan.js"):
        shutil.copy(HERE / name, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit"], cwd=folder, check=True)
    return folder / "fan.js"


async def buys(folder: Path) -> int:
    fan = installed(folder)
    emulator, relay = free_port(), free_port()
    api = f"http://127.0.0.1:{relay}"
    database = f"sqlite:///{folder / 'livetill.db'}"
    till = Till(folder, database, folder / "media", **TELEGRAM, telegram_api_base=api)
    try:
        await till.start()
        ports = [str(emulator), str(relay)]
        arguments = ["node", str(fan), *ports, till.url, TOKEN, SECRET]
        bought = await asyncio.to_thread(subprocess.call, arguments, timeout=BUY_SECONDS_MAX)
        return bought if await till.is_sound() else 1
    finally:
        await till.kill()


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        sys.exit(asyncio.run(buys(Path(temporary))))
