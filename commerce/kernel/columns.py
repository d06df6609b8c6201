"""The column types and statement parts that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.compiler import SQLCompiler

metadata = MetaData()

Id = Text
Count = BigInteger().with_variant(Integer, "sqlite")
Amount = Count  # integer minor units
Instant = Count  # microseconds since the epoch, UTC
Json = Text().with_variant(postgresql.JSONB(), "postgresql")

__all__ = [
    "Amount",
    "Count",
    "Id",
    "Instant",
    "Json",
    "Text",
    "any_of",
    "by_dialect",
    "db_now",
    "insert_once",
]


def table(context: str, name: str, *parts: SchemaItem) -> Table:
    """A table of a context: in its own schema on PostgreSQL, under its bare name on SQLite."""
    return Table(name, metadata, *parts, schema=context, sqlite_strict=True)


def number(name: str = "seq") -> Column[int]:
    """A primary key that the database counts up."""
    return Column(name, Count, primary_key=True, autoincrement=True)


def status_check(name: str, column: str, statuses: type[StrEnum]) -> CheckConstraint:
    words = ", ".join(f"'{status}'" for status in statuses)
    return CheckConstraint(f"{column} IN ({words})", name=name)


def insert_once(target: Table, *key: str) -> postgresql.Insert:
    """INSERT that does nothing where the key exists; `run` tells by 0 rows."""
    return postgresql.insert(target).on_conflict_do_nothing(index_elements=list(key))


def db_now() -> ColumnElement[int]:
    """The database's clock in µs: what leases and expiry are measured by."""
    return func.livetill_now(type_=Count)


class any_of(ColumnElement[bool]):
    """`column` is one of the texts in the list parameter called `name`."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.name = name
        self.param = bindparam(name, type_=ARRAY(Text))

    def get_children(self, **kw: Any) -> tuple[ColumnElement[Any], ...]:
        """So that whoever walks a statement finds the parameter, and misses a missing one."""
        return (self.column, self.param)


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    left = compiler.process(element.column, **kw)
    return f"{left} = ANY ({compiler.process(element.param, **kw)})"


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    left = compiler.process(element.column, **kw)
    return f"{left} IN (SELECT value FROM json_each({compiler.process(element.param, **kw)}))"


class by_dialect(ColumnElement[bool]):
    """A condition that each database has to be told in its own words."""

    inherit_cache = False

    def __init__(self, *, sqlite: str, postgresql: str) -> None:
        self.words = {"sqlite": sqlite, "postgresql": postgresql}


@compiles(by_dialect)
def _by_dialect(element: by_dialect, compiler: SQLCompiler, **kw: Any) -> str:
    return element.words[compiler.dialect.name]
