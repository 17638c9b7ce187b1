"""A home with something of everything that is kept, and all that it holds, to be compared."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from codex.backup.manifest import CATALOGUE
from codex.policy import Policy
from codex.private import opener
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.content import Content, FileStamp, StoredChunk, write_content
from codex.store import Store
from codex.store.evaluation.states import Kept
from tests.support.traces import make_trace

FILES = {
    "documents/far/ουρανός north.txt": "Oslo is a city in Norway.",
    f"documents/{'long/' * 30}name.txt": "A path that no plain header of tar can hold.",
    "documents/empty.txt": "",
    "datasets/mine.jsonl": '{"question": "Capital of Norway?", "answers": ["Oslo"]}\n',
    "datasets/mine.md": "# mine\n",
    "adapters/first/adapter/adapter_config.json": "{}",
    "verifiers/0a1b/whole/readout.json": "[1.5]",
    "choices.json": '{"privacy": "full"}',
    "models/big.gguf": "GGUF and so on",
}
PASSAGE = "Oslo is a city in Norway."


def fill(home: Path, traces: int = 3) -> None:
    """Put something of everything into a home."""
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        with open(home / name, "w", encoding="utf-8", opener=opener) as file:
            file.write(text)
    with Store(home / "codex.duckdb", "full", hidden_states=True) as store:
        for number in range(traces):
            store.save(make_trace(number, session=f"s-{number % 2}"))
        store.label("trace-1", True)
        policy = Policy(name="careful", answer_above=0.9)
        store.policies.save(policy.version, policy.name, policy.model_dump_json())
        vectors = np.ones((1, 2, 4), np.float16)
        store.states.keep("run", "q1", "wanted", Kept((1, 2), vectors))
    with closing(Catalogue(home / CATALOGUE)) as catalogue:
        path = home.resolve() / "documents" / "far" / "ουρανός north.txt"
        stamp = FileStamp.of(path)
        (document,) = catalogue.register([(path, stamp, "")])
        chunk = StoredChunk(0, len(PASSAGE), None, "", PASSAGE)
        vector = np.eye(1, 8, dtype=np.float32)
        content = Content(PASSAGE, (), "", (chunk,), vector)
        with catalogue.write() as db:
            write_content(db, document.id, content, stamp, "00")


def held(home: Path) -> dict[str, Any]:
    """Everything that a backup keeps: rows of every table, and what is in every file."""
    found: dict[str, Any] = {
        str(path.relative_to(home)): path.read_bytes()
        for top in ("documents", "datasets", "adapters", "verifiers", "choices.json")
        for path in sorted([home / top, *(home / top).rglob("*")])
        if path.is_file() and not path.name.startswith(".")
    }
    with closing(duckdb.connect(home / "codex.duckdb", read_only=True)) as db:
        for (table,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            found[table] = sorted(map(repr, db.execute(f'SELECT * FROM "{table}"').fetchall()))
    for name, tables in (
        (CATALOGUE, ("documents", "texts", "chunks", "vectors", "words")),
        ("codex.duckdb.states", ("states",)),
    ):
        with closing(sqlite3.connect(home / name)) as lite:
            for table in tables:
                found[f"{name} {table}"] = lite.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    return found


def listing(home: Path) -> dict[str, tuple[int, int]]:
    """Every file of a home by its size and when it was written: equal while nothing was touched."""
    return {
        str(path.relative_to(home)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }
