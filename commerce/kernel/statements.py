"""SQLAlchemy Core statements, compiled once per dialect and run by the plain drivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, BindParameter, Insert, bindparam, func, select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, visitors

from commerce.kernel.columns import metadata

POSTGRESQL = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
SQLITE = SQLiteDialect_pysqlite()
# SQLite has no schemas: what a context owns lies in the one database under its bare name.
SQLITE.default_schema_name = "main"


Shapes = WeakKeyDictionary[ClauseElement, dict[tuple[str, ...], "Prepared"]]


class Prepared:
    """The text of a statement, the order of its parameters and its literal values."""

    __slots__ = ("defaults", "order", "sql")

    def __init__(self, sql: str, order: tuple[str, ...], defaults: Mapping[str, Any]) -> None:
        self.sql = sql
        self.order = order
        self.defaults = defaults

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values in order; KeyError names a missing one."""
        defaults = self.defaults
        return [params[name] if name in params else defaults[name] for name in self.order]


class Compiler:
    """Turns statements into driver SQL; remembers each for as long as the statement lives."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._plain: WeakKeyDictionary[ClauseElement, Prepared] = WeakKeyDictionary()
        self._inserts: Shapes = WeakKeyDictionary()
        self._inserts_of_many: Shapes = WeakKeyDictionary()

    def prepare(self, statement: ClauseElement, names: Iterable[str]) -> Prepared:
        """An INSERT writes the columns named; one FROM a SELECT, and all else, names its own."""
        if not isinstance(statement, Insert) or statement.select is not None:
            ready = self._plain.get(statement)
            if ready is None:
                ready = self._plain[statement] = self._compile(statement)
            return ready
        columns = tuple(names)
        shapes = self._inserts.setdefault(statement, {})
        ready = shapes.get(columns)
        if ready is None:
            ready = shapes[columns] = self._compile(statement, column_keys=list(columns))
        return ready

    def prepare_many(self, statement: Insert, names: Iterable[str]) -> Prepared:
        """An INSERT of any number of rows; each parameter is the list of one column's values."""
        columns = tuple(names)
        shapes = self._inserts_of_many.setdefault(statement, {})
        ready = shapes.get(columns)
        if ready is None:
            types = [statement.table.c[name].type for name in columns]
            lists = [bindparam(n, type_=ARRAY(t)) for n, t in zip(columns, types, strict=True)]
            rows = func.unnest(*lists).table_valued(*columns).render_derived()
            whole = statement.from_select(columns, select(*rows.c), include_defaults=False)
            ready = shapes[columns] = self._compile(whole)
        return ready

    def _compile(self, statement: ClauseElement, **options: Any) -> Prepared:
        if self.dialect is SQLITE:
            schemas = {table.schema: None for table in metadata.tables.values()}
            options |= {"schema_translate_map": schemas, "render_schema_translate": True}
        # Literal lists of IN are written out, which wants values for all parameters now; ours come
        # with each run, and `arguments` misses what is missing. Lists that vary go to `any_of`.
        options["compile_kwargs"] = {"render_postcompile": True}
        parts = visitors.iterate(statement)
        required = [p for p in parts if isinstance(p, BindParameter) and p.required]
        needed = {part.key for part in required} | set(options.get("column_keys", ()))
        for part in required:
            part.required = False
        try:
            compiled = statement.compile(dialect=self.dialect, **options)
        finally:
            for part in required:  # other statements share it, and the other dialect too
                part.required = True
        order: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        literals = {k: v for k, v in compiled.params.items() if k in order and k not in needed}
        return Prepared(str(compiled), order, literals)
