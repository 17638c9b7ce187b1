"""Records as lines: nothing of them is lost."""

from __future__ import annotations

from pathlib import Path

from codex.store import Store
from codex.store.evaluation.records import record_line, record_of_line
from tests.support.evaluated import put_run


def test_a_record_comes_back_from_its_line_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        put_run(store, graded=3, failed=1)
        records = list(store.runs.records("run-1"))
    assert len(records) == 4
    for record in records:
        line = record_line(record)
        assert line.isascii()
        assert line.count("\n") == 1
        assert record_of_line(line) == record
