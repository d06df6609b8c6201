#!/bin/sh
# Brings .venv up to the pinned versions; needs Python 3.11 or newer and nothing else.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "livetill: $1" >&2; exit 1; }

if ! .venv/bin/python -c '' 2>/dev/null; then
    python=${PYTHON:-}
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        [ -n "$python" ] && break
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$name
    done
    [ -n "$python" ] || fail "install Python 3.11 or newer first"
    "$python" -c 'import ensurepip' 2>/dev/null \
        || fail "install Python's venv module first (Debian and Ubuntu: apt-get install python3-venv)"
    echo "Creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

echo "Installing the pinned packages into .venv"
# The build tool comes from the pins too, hence no isolated build that would fetch another one.
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-build-isolation --no-deps --editable .
touch .venv/.up-to-date
