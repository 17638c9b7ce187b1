"""Answers that come from a file as a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex.evaluation.imported import import_run
from codex.store import Store


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        (["capitals"], "capitals"),
        (["sums", "capitals", "sums"], "sums, capitals"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_a_run_is_of_the_sets_that_its_answers_are_of(tmp_path: Path, sets: list[str], name: str) -> None:
    greedy = {"text": "Paris", "finish": "stop", "tokens": [[1, "Paris", -0.1]], "prompt_tokens": 5}
    lines = [
        {"id": f"q{i}", "set": each, "question": "?", "answers": ["Paris"], "greedy": greedy, "samples": []}
        for i, each in enumerate(sets)
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    store = Store(tmp_path / "codex.duckdb")
    assert import_run(store, path).run.dataset == name
    assert [each.run.dataset for each in store.runs.list()] == [name]
