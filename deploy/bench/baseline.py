"""The yardstick: what the plain driver does with one turn's rows, each turn in a commit of its own.

A bare transaction inserts an inbox row, reads and updates one of 100,000 conversations, and inserts
a reply; 16 callers at once, nothing batched, no Python around it that is not needed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import asyncpg

from commerce.kernel import jsons
from commerce.kernel.sqlite import open_connection
from deploy import servers

CALLERS = 16
CONVERSATIONS = 100_000
STRIDE = 7919  # a prime: each caller walks over conversations that are far apart
STATE = jsons.dumps({"place": "size", "language": "en", "offer": {"title": "x" * 200}})
BODY = jsons.dumps({"kind": "text", "text": "help"})
REPLY = jsons.dumps({"text": "y" * 200, "priority": 2})

TABLES = (
    "CREATE TABLE {s}inbox (id TEXT PRIMARY KEY, body {json} NOT NULL)",
    "CREATE TABLE {s}conversations (id BIGINT PRIMARY KEY, state {json} NOT NULL, "
    "version BIGINT NOT NULL)",
    "CREATE TABLE {s}replies (conversation BIGINT, number BIGINT, body {json} NOT NULL, "
    "PRIMARY KEY (conversation, number))",
)
SQLITE = (
    "INSERT INTO inbox VALUES (?, ?)",
    "SELECT state, version FROM conversations WHERE id = ?",
    "UPDATE conversations SET state = ?, version = ? WHERE id = ? AND version = ?",
    "INSERT INTO replies VALUES (?, ?, ?)",
)
POSTGRESQL = (
    "INSERT INTO bare.inbox VALUES ($1, $2)",
    "SELECT state, version FROM bare.conversations WHERE id = $1",
    "UPDATE bare.conversations SET state = $1, version = $2 WHERE id = $3 AND version = $4",
    "INSERT INTO bare.replies VALUES ($1, $2, $3)",
)


async def per_second(database_url: str, seconds: float) -> float:
    """Bare transactions per second on the same kind of database, waiting for the disk alike."""
    if database_url.startswith("sqlite:///"):
        with servers.new_folder() as folder:
            return await asyncio.to_thread(_sqlite, folder / "bare.db", seconds)
    return await _postgresql(database_url, seconds)


def _sqlite(path: Path, seconds: float) -> float:
    connection = open_connection(str(path))
    for statement in TABLES:
        connection.execute(statement.format(s="", json="TEXT"))
    rows = ((number, STATE, 1) for number in range(CONVERSATIONS))
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO conversations VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    turn, until = Lock(), time.monotonic() + seconds

    def call(caller: int) -> int:
        done = 0
        while time.monotonic() < until:
            with turn:
                _bare(connection, caller, done)
            done += 1
        return done

    with ThreadPoolExecutor(CALLERS) as threads:
        done = sum(threads.map(call, range(CALLERS)))
    connection.close()
    return done / seconds


def _bare(connection: sqlite3.Connection, caller: int, done: int) -> None:
    take_in, look, save, answer = SQLITE
    conversation = (caller + done * CALLERS) * STRIDE % CONVERSATIONS
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(take_in, (f"{caller}:{done}", BODY))
    state, version = connection.execute(look, (conversation,)).fetchone()
    connection.execute(save, (state, version + 1, conversation, version))
    connection.execute(answer, (conversation, version, REPLY))
    connection.execute("COMMIT")


async def _postgresql(url: str, seconds: float) -> float:
    connections = [await asyncpg.connect(url) for _ in range(CALLERS)]
    first = connections[0]
    try:
        await first.execute("CREATE SCHEMA bare")
        for statement in TABLES:
            await first.execute(statement.format(s="bare.", json="JSONB"))
        rows = ((number, STATE, 1) for number in range(CONVERSATIONS))
        await first.copy_records_to_table("conversations", schema_name="bare", records=rows)
        await first.execute("ANALYZE bare.conversations")
        await first.execute("CHECKPOINT")
        until = time.monotonic() + seconds
        calls = [_calls(one, number, until) for number, one in enumerate(connections)]
        done = sum(await asyncio.gather(*calls))
        await first.execute("DROP SCHEMA bare CASCADE")
    finally:
        for connection in connections:
            await connection.close()
    return done / seconds


async def _calls(connection: asyncpg.Connection, caller: int, until: float) -> int:
    take_in, look, save, answer = [await connection.prepare(text) for text in POSTGRESQL]
    done = 0
    while time.monotonic() < until:
        conversation = (caller + done * CALLERS) * STRIDE % CONVERSATIONS
        await connection.execute("BEGIN")
        await take_in.fetch(f"{caller}:{done}", BODY)
        state, version = await look.fetchrow(conversation)
        await save.fetch(state, version + 1, conversation, version)
        await answer.fetch(conversation, version, REPLY)
        await connection.execute("COMMIT")
        done += 1
    return done
