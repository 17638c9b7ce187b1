"""Datasets of follow-ups: imported, asked after their history, and what is fitted on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex import prompts
from codex.ask.workbench import Workbench
from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.errors import InvalidInput
from codex.evaluation.calibrating import calibrate
from codex.evaluation.runner import prepare, run
from codex.evaluation.subsets import keep_subset
from codex.settings import load_settings
from codex.store import Store
from codex.types import Message
from tests.support.scripted import Script, ScriptedEngine

COUNT = 80
"""Half of them are to fit on: more than the least that a calibrator takes."""


def row(at: int, **more: Any) -> dict[str, Any]:
    said = [
        {"role": "user", "content": f"How much is {at} and one?"},
        {"role": "assistant", "content": str(at + 1)},
    ]
    return {"question": f"And {at} more?", "answers": [str(2 * at + 1)], "history": said} | more


def imported(tmp_path: Path, *rows: dict[str, Any]) -> Any:
    file = tmp_path / "follow.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return import_file(file, tmp_path, accept_rejects=True)


def sums(prompt: str) -> Script:
    """Two answers of three are correct, and the model knows which."""
    at = int(re.findall(r"And (\d+) more", prompt)[-1])
    chance = 0.95 if at % 3 else 0.4
    return Script([str(2 * at + 1 if at % 3 else 0)], [chance])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    settings = load_settings([f"home={tmp_path}", "ask.n_samples=1"])
    bench = Workbench(settings, ScriptedEngine(sums), Store(tmp_path / "codex.duckdb"))
    yield bench
    bench.close()


def test_a_history_is_imported_from_lists_and_from_text(tmp_path: Path) -> None:
    written = row(2)
    written["history"] = json.dumps(written["history"])
    imported(tmp_path, row(1), written)
    first, second = load("follow", tmp_path)
    assert first.history == (Message("user", "How much is 1 and one?"), Message("assistant", "2"))
    assert second.history[1] == Message("assistant", "3")


def test_the_same_words_after_another_history_are_another_question(tmp_path: Path) -> None:
    imported(tmp_path, row(1, question="And then?"), row(2, question="And then?"))
    assert len({item.id for item in load("follow", tmp_path)}) == 2


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ("Long ago.", "no list of messages"),
        (row(1)["history"][:1], "not answered"),
        (row(1)["history"][::-1], "take turns"),
    ],
    ids=["text", "no answer", "assistant first"],
)
def test_a_row_whose_history_is_none_is_rejected(tmp_path: Path, history: object, why: str) -> None:
    told = imported(tmp_path, row(1), row(2, history=history))
    assert (told.dataset.rows, told.rejected) == (1, 1)
    assert why in told.reasons[0].reason


def test_a_run_of_follow_ups_fits_a_calibrator_that_holds_for_them_alone(
    bench: Workbench, tmp_path: Path
) -> None:
    imported(tmp_path, *(row(at) for at in range(COUNT)))
    asked = prepare(bench, "follow")
    assert run(bench, asked.id).done == COUNT
    assert isinstance(bench.model.engine, ScriptedEngine)
    seen = next(prompt for prompt in bench.model.engine.decodes if "And 7 more?" in prompt)
    assert "<user>How much is 7 and one?</user><assistant>8</assistant><user>And 7 more?" in seen

    calibrator = calibrate(bench.store, [asked.id], method="temperature")
    bench.active.activate_calibrator(calibrator.version)
    first = bench.answer("And 1 more?")
    assert first.last.confidence.calibrated is None
    second = bench.answer("And 2 more?", follows=first.id)
    assert second.last.confidence.calibrated is not None
    assert prompts.fingerprint(follows=True) == calibrator.prompt


def test_a_run_asks_no_mixture(bench: Workbench, tmp_path: Path) -> None:
    imported(tmp_path, row(1), {"question": "And 5 more?", "answers": ["11"]})
    with pytest.raises(InvalidInput, match="1 of these 2 questions"):
        prepare(bench, "follow")
    assert not bench.store.runs.list()


def test_questions_are_not_taken_from_a_run_without_their_history(bench: Workbench, tmp_path: Path) -> None:
    imported(tmp_path, row(1))
    asked = prepare(bench, "follow")
    run(bench, asked.id)
    (record,) = bench.store.runs.records(asked.id)
    with pytest.raises(InvalidInput, match="take them from there"):
        keep_subset(bench.store, tmp_path, asked.id, [record.id], "part")
