"""Every measurement runs, ends by itself, and prints rows that a program can read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

import psutil
import pytest

from commerce.kernel import jsons
from deploy.bench import Kind, offers, report, search
from deploy.bench.loads import Limits
from deploy.bench.report import Load, Row

KEYS = [
    "bench", "database", "concurrency", "rate_per_second", "baseline_per_second", "ratio",
    "p50_ms", "p99_ms", "cpu_ms_per_op", "rss_mb",
]  # fmt: skip
COMMAND = [sys.executable, "-c", "from deploy.cli import main; main()", "bench"]
TINY = {
    "turns": ["--concurrency", "2", "--count", "6", "--seconds", "1"],
    "purchases": ["--concurrency", "2", "--count", "2", "--seconds", "1"],
    "drop": ["--concurrency", "2", "--count", "200", "--seconds", "0.2"],
    "paid": ["--concurrency", "2", "--count", "6", "--seconds", "0.5"],
    "sockets": ["--count", "3"],
    "start": ["--count", "1"],
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=180
    )


@pytest.mark.parametrize(
    ("name", "database"),
    [("turns", "sqlite"), ("turns", "postgresql"), ("purchases", "sqlite")],
)
def test_a_load_is_measured_beside_bare_transactions(name, database):
    done = bench(name, "--database", database, "--json", *TINY[name])

    assert (done.returncode, done.stderr) == (0, "")
    (row,) = [jsons.loads(line) for line in done.stdout.splitlines()]
    assert list(row) == KEYS
    assert (row["bench"], row["database"], row["concurrency"]) == (name, database, 2)
    assert all(row[key] > 0 for key in KEYS[3:])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_drop_is_measured_beside_naive_transactions_and_by_the_batch(database):
    done = bench("drop", "--database", database, "--json", *TINY["drop"])

    assert (done.returncode, done.stderr) == (0, "")
    drop, batch = [jsons.loads(line) for line in done.stdout.splitlines()]
    assert list(drop) == list(batch) == KEYS
    assert (drop["bench"], drop["database"], drop["concurrency"]) == ("drop", database, 2)
    assert all(drop[key] > 0 for key in KEYS[3:])
    assert (batch["bench"], batch["ratio"]) == ("drop, a batch", None)
    assert batch["p99_ms"] >= batch["p50_ms"] > 0


def test_a_quote_is_measured_with_promotions_about():
    done = bench("quote", "--json", "--seconds", "0.1", "--count", "20", "--promotions", "12")

    assert (done.returncode, done.stderr) == (0, "")
    rows = [jsons.loads(line) for line in done.stdout.splitlines()]
    assert [row["bench"] for row in rows] == [
        f"{name}, {about} promotions" for name in ("quote", "price") for about in (0, 10, 12)
    ]
    assert all(row[key] > 0 for row in rows for key in KEYS[3:])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_core_is_measured_with_what_its_saga_and_ledger_cost(database):
    done = bench("paid", "--database", database, "--json", *TINY["paid"])

    assert (done.returncode, done.stderr) == (0, "")
    rows = [jsons.loads(line) for line in done.stdout.splitlines()]
    assert [row["bench"] for row in rows] == ["paid", "paid, a saga", "paid, the ledger"]
    assert all(list(row) == KEYS and row["database"] == database for row in rows)
    assert all(row[key] > 0 for row in rows for key in KEYS[3:])


def test_memory_is_measured_with_everyone_in_the_room():
    done = bench("sockets", "--json", *TINY["sockets"])

    assert (done.returncode, done.stderr) == (0, "")
    row = jsons.loads(done.stdout)
    assert list(row) == KEYS
    assert (row["bench"], row["concurrency"], row["baseline_per_second"]) == ("sockets", 3, None)
    assert row["rss_mb"] > 0


def test_starts_are_measured_over_an_empty_and_a_used_database():
    done = bench("start", "--json", *TINY["start"])

    assert (done.returncode, done.stderr) == (0, "")
    first, again = [jsons.loads(line) for line in done.stdout.splitlines()]
    assert list(first) == list(again) == KEYS
    assert (first["bench"], again["bench"]) == ("first start", "start")
    assert first["p50_ms"] > 0
    assert again["p50_ms"] > 0


async def test_finding_is_measured_for_each_kind_of_question():
    rows = await search.measure(Kind.SQLITE, 30, Limits(1, 10, 5))

    kinds = ["exact", "typo", "prefix", "facet", "none"]
    assert [row.bench for row in rows] == [
        "search", *(f"search, {kind}" for kind in kinds), "search, indexing",
    ]  # fmt: skip
    assert all(row.rate_per_second > 0 for row in rows)
    assert all(row.p99_ms >= row.p50_ms > 0 for row in rows[:-1])


async def test_offers_are_measured_beside_what_needs_no_learning():
    rows = [asdict(row) for row in await offers.measure(count=300, seed=1)]

    assert [row["bench"] for row in rows[:5]] == [
        "offers, steerable, no discount",
        "offers, steerable, fixed discount",
        "offers, steerable, best fixed discount",
        "offers, steerable, personal offers",
        "offers, steerable, oracle",
    ]
    assert [list(row)[: len(KEYS)] for row in rows] == [KEYS] * 10
    assert {(row["database"], row["concurrency"]) for row in rows} == {(None, None)}
    assert all(row["margin_per_fan_minor"] > 0 for row in rows)
    assert [row["of_oracle"] for row in rows if row["bench"].endswith("oracle")] == [1.0, 1.0]
    assert [row["worst_deficit"] is None for row in rows[:5]] == [True, True, True, False, True]


def test_nothing_is_left_running():
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    bench("sockets", *TINY["sockets"])

    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


@pytest.mark.parametrize(
    "option", ["--count=0", "--count=100001", "--seconds=301", "--concurrency=501"]
)
def test_no_load_is_without_limit(option):
    done = bench("turns", option)

    assert done.returncode == 2
    assert option.split("=")[0] in done.stderr


def test_people_see_a_table_of_aligned_columns():
    said: list[str] = []
    rows = [
        Row(bench="turns", database="sqlite", concurrency=64, rate_per_second=1828.5, ratio=0.86),
        Row(bench="sockets", database="postgresql", concurrency=2000, rss_mb=214.7),
    ]

    report.show(rows, said.append, json=False)

    heads, *lines = said
    assert len({len(line) for line in said}) == 1
    assert heads.split("  ")[0] == "bench"
    assert [line.split()[:4] for line in lines] == [
        ["turns", "sqlite", "64", "1,828.5"],
        ["sockets", "postgresql", "2,000", "-"],
    ]


@pytest.mark.parametrize(("percent", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_a_quantile_is_the_time_within_which_that_many_ended(percent, expected):
    took = [number / 1000 for number in range(100, 0, -1)]

    assert report.quantile_ms(took, percent) == expected


def test_a_row_is_what_was_done_per_second_and_what_each_cost():
    load = Load(seconds=2.0, took=[0.004, 0.002, 0.003, 0.009], cpu_seconds=0.02)

    row = report.row("turns", "sqlite", 16, load, baseline=4.0, rss_mb=100.04)

    assert row == Row(
        bench="turns", database="sqlite", concurrency=16, rate_per_second=2.0,
        baseline_per_second=4.0, ratio=0.5, p50_ms=3.0, p99_ms=9.0, cpu_ms_per_op=5.0, rss_mb=100.0,
    )  # fmt: skip
