"""Runs one server as a child and ends it, with its folder, as soon as standard input closes.

The parent holds the other end of that pipe, so the server goes even when the parent was killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def _start(folder: str, user: str, group: str, command: list[str]) -> subprocess.Popen[bytes]:
    with open(f"{folder}/log", "wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=int(user) if user else None,
            group=int(group) if group else None,
            extra_groups=[] if group else None,
        )


def main() -> int:
    folder, user, group, *command = sys.argv[1:]
    server = _start(folder, user, group, command)
    abandoned = threading.Event()

    def stop_at_end_of_input() -> None:
        while os.read(0, 1):
            pass
        abandoned.set()
        server.send_signal(signal.SIGINT)  # PostgreSQL: do not wait until the clients have left

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    code = server.wait()
    if abandoned.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
