"""A small file in the shape that a public dataset or a tool really has, and what it has to become."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

Expected = Mapping[str, object]
"""Of an item the fields that are compared."""


@dataclass(frozen=True)
class Shape:
    """A file, and its questions."""

    name: str
    file: str
    content: bytes | Callable[[Path], None]
    """What is in it, or what writes it."""
    items: tuple[Expected, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the import."""
    rejected: int = 0


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def whole(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def text(*rows: str, encoding: str = "utf-8") -> bytes:
    return "".join(f"{row}\n" for row in rows).encode(encoding)


def parquet(query: str) -> Callable[[Path], None]:
    return lambda path: duckdb.sql(query).write_parquet(str(path))


def asks(question: str, *answers: str, **fields: object) -> Expected:
    return {"question": question, "answers": answers, **fields}
