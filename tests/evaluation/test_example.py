"""A fresh database holds the answers of the shipped calibrator as a run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from codex.calibration.shipped import shipped_calibrators
from codex.errors import Cancelled
from codex.evaluation.calibrating import labelled_runs
from codex.evaluation.example import NAME, load_example
from codex.store import Store

OURS = next(each for each in shipped_calibrators() if each.model.startswith("huggingface"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "codex.duckdb")


def test_it_holds_what_the_shipped_calibrator_was_fitted_on(store: Store) -> None:
    run_id = load_example(store, OURS.model)
    assert OURS.runs == (run_id,)
    found = store.runs.get(run_id)
    assert (found.run.name, found.run.state, found.run.model) == (NAME, "done", OURS.model)
    assert set(found.run.dataset.split(", ")) == set(OURS.datasets)
    assert "" not in found.graders
    fitted_on = labelled_runs(store, OURS.runs).to_fit
    assert len(fitted_on.ids) == OURS.questions
    assert fitted_on.correct.mean() == pytest.approx(OURS.accuracy)


def test_it_comes_once_and_stays_deleted(store: Store) -> None:
    run_id = load_example(store, OURS.model)
    assert load_example(store, OURS.model) is None
    store.runs.delete(run_id)
    assert load_example(store, OURS.model) is None
    assert store.runs.list() == []


def test_one_that_was_cancelled_comes_at_the_next_start(store: Store) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        load_example(store, OURS.model, cancel)
    assert store.runs.list() == []
    assert load_example(store, OURS.model) is not None


def test_a_model_without_a_shipped_calibrator_has_none(store: Store) -> None:
    assert load_example(store, "scripted:test:none") is None
