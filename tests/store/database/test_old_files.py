"""A database and a file of generations as an earlier Codex left them, read with all they hold."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from codex.evaluation.generations import read
from codex.store import Store

OLD = Path(__file__).parent / "old"
"""Written at step 7 of the migrations; expected.json.gz is what that code read from the two other files."""
RENAMED = {"right": "correct", "answer_set": "prediction_set"}
"""Fields that have another name today."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "codex.duckdb"
    with gzip.open(OLD / "codex.duckdb.gz") as packed, path.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    with Store(path, "full") as opened:
        yield opened


def plain(value: Any) -> Any:
    """A noun as JSON, by its fields alone."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, StrEnum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def read_all(store: Store) -> dict[str, Any]:
    runs = sorted((summary.run for summary in store.runs.list()), key=lambda run: run.created_at)
    return {
        "traces": [plain(trace) | {"correct": correct} for trace, correct in store.labelled_traces()],
        "runs": [plain(run) | {"records": plain(list(store.runs.records(run.id)))} for run in runs],
        "generations": [plain(each) for each in read(OLD / "generations.jsonl.gz")],
    }


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((OLD / "expected.json.gz").read_bytes()))
    return found


def lost(was: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where `now` does not say what `was` says; what nouns have gained since does not matter."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name, value in was.items():
            yield from lost(value, now.get(RENAMED.get(name, name)), f"{at}.{name}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from lost(one, other, f"{at}[{index}]")
    elif was != now or type(was) is not type(now):
        yield f"{at}: {was!r} is now {now!r}"


def test_an_old_database_and_an_old_file_hold_what_they_held(store: Store) -> None:
    was, now = expected(), read_all(store)
    assert {name: len(each) for name, each in was.items()} == {"traces": 4, "runs": 3, "generations": 3}
    assert {name: len(each) for name, each in now.items()} == {name: len(each) for name, each in was.items()}
    assert list(lost(was, now)) == []
    policy = store.policies.active()
    assert policy is not None
    assert policy.version == "strict@f49571b53b"
