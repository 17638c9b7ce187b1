"""Labels as Parquet."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import duckdb

from codex.labelling.formats.columns import check_columns, row_of, values_of
from codex.labelling.rows import LabelRow, Problem, Unusable
from codex.store.codec.columns import naive_utc
from codex.store.database.file import quoted

TABLE = """
CREATE TABLE labels (
    run_id VARCHAR, question_id VARCHAR, question VARCHAR, answer VARCHAR, model VARCHAR,
    confidence DOUBLE, probability DOUBLE, verdict VARCHAR, correction VARCHAR, note VARCHAR,
    tags VARCHAR[], spans BIGINT[][], labeller VARCHAR, adjudicated BOOLEAN, made_at TIMESTAMP
)
"""
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def write(rows: Iterable[LabelRow], out: BinaryIO) -> None:
    """A table of one row a label."""
    with tempfile.TemporaryDirectory(prefix="codex-") as folder, duckdb.connect(config=SETTINGS) as db:
        db.execute(TABLE)
        with db.appender("labels") as appender:
            for row in rows:
                values = values_of(row)
                made_at = values["made_at"]
                values["made_at"] = naive_utc(made_at) if made_at else None
                appender.append_row(*values.values())
        path = Path(folder) / "labels.parquet"
        db.execute(f"COPY labels TO {quoted(str(path))} (FORMAT parquet)")
        with path.open("rb") as file:
            while block := file.read(2**20):
                out.write(block)


def read(path: Path) -> Iterator[LabelRow | Problem]:
    """The rows, and why others cannot be used. Raises Unusable for a file that is no such table."""
    # A path is a pattern there: its * ? [ stand for themselves in brackets.
    pattern = re.sub(r"([*?\[])", r"[\1]", str(path))
    with duckdb.connect(config=SETTINGS) as db:
        try:
            found = db.execute("SELECT * FROM read_parquet(?)", [pattern])
            names = [column[0] for column in found.description or []]
            check_columns(names)
            number = 0
            while batch := found.fetchmany(1024):
                for values in batch:
                    number += 1
                    try:
                        yield replace(row_of(dict(zip(names, values, strict=True))), number=number)
                    except Unusable as wrong:
                        yield Problem(number, wrong.column, str(wrong))
        except duckdb.Error as error:
            why = str(error).splitlines()[0].replace(str(path), path.name)
            raise Unusable("any", f"it is no readable Parquet: {why}") from error
