"""The process that a query of an analyst runs in: started as a script, alone with a copy of the database.

Reads a JSON object {"query", "database", "rows", "bytes", "memory", "threads"} from standard input, and
writes one of {"columns", "rows", "truncated"} or {"error"} to standard output.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb

ADDRESS_SPACE = 2 * 2**30
"""Bytes, with all libraries: what DuckDB does not count as its memory ends here."""
EXACT = 2**53
"""Whole numbers beyond this are written as text: JavaScript would round them."""
READ = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
FETCHED = 256
"""Rows fetched at a time."""
LONGEST_ERROR = 2_000
"""Characters of a message, which may repeat a value of the query."""


def confine(asked: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection that reads the database's copy and can do nothing else."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": asked["memory"],
            "threads": asked["threads"],
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
        },
    )
    connection.execute(f"ATTACH '{asked['database']}' AS codex (READ_ONLY)")
    connection.execute("USE codex")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return connection


def answer(connection: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> dict[str, Any]:
    """The rows of the query, as many as are wanted."""
    statements = duckdb.extract_statements(asked["query"])
    if len(statements) != 1:
        return {"error": "One query at a time." if statements else "The query is empty."}
    if statements[0].type not in READ:
        what = statements[0].type.name.replace("_", " ")
        return {"error": f"Only SELECT and EXPLAIN are allowed here, not {what}: the store is only read."}
    connection.execute(statements[0])
    columns = [{"name": name, "type": str(kind)} for name, kind, *_ in connection.description or ()]
    rows: list[list[Any]] = []
    size = 0
    while found := connection.fetchmany(min(FETCHED, asked["rows"] + 1 - len(rows))):
        for row in found:
            if len(rows) == asked["rows"]:
                return {"columns": columns, "rows": rows, "truncated": "rows"}
            written = [plain(value) for value in row]
            size += len(json.dumps(written))
            if size > asked["bytes"]:
                return {"columns": columns, "rows": rows, "truncated": "bytes"}
            rows.append(written)
    return {"columns": columns, "rows": rows, "truncated": None}


def plain(value: Any) -> Any:
    """A value as JSON holds it: numbers, booleans and missing ones as they are, others as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return plain(float(value))
    return json.dumps(nested(value), ensure_ascii=False) if isinstance(value, dict | list) else text(value)


def nested(value: Any) -> Any:
    """What stands inside a list or a struct."""
    if isinstance(value, dict):
        return {text(name): nested(each) for name, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | memoryview):
        return [nested(each) for each in value]
    return plain(value)


def text(value: Any) -> str:
    """A value of another type as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)


def main() -> None:
    """Answer the one query on standard input."""
    asked = json.load(sys.stdin)
    try:
        found = answer(confine(asked), asked)
    except (duckdb.Error, MemoryError) as error:
        found = {"error": str(error)[:LONGEST_ERROR] or "Out of memory."}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
