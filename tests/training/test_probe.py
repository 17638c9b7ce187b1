"""Probes: learned from runs, read in every answer, combined with the other signals, bound to their model."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from codex.ask.workbench import Workbench
from codex.datasets.splits import split
from codex.errors import Cancelled, CapabilityError, Conflict, InvalidInput, NotFound
from codex.evaluation.calibrating import calibrate, labelled_runs
from codex.signals.probes import Probes, fold_of
from codex.training.probe import train_probes
from codex.training.probe_fit import low_entropy
from codex.types import FOLLOWS
from tests.support.evaluated import put_run
from tests.support.probed import TELLING, KnowingEngine, knowing, put_known
from tests.support.serving import workbench


def trained(opened: Workbench, engine: KnowingEngine, **changes: object) -> Probes:
    run = put_known(opened.store, engine, **changes)
    return train_probes(opened, [run.id])


def readings(opened: Workbench, name: str = "probe") -> dict[str, float | None]:
    records = opened.store.runs.records("run-1")
    return {record.observation.question: record.signals[name] for record in records}


def test_probes_tell_what_the_hidden_states_hold(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        made = trained(opened, engine)
        assert made.targets == ("answer", "question", "entropy")
        assert {probe.layer for each in made.folds for probe in each if probe.target != "entropy"} == {
            TELLING
        }
        gain = made.in_domain[""]
        assert gain.probe > 0.95 > gain.signals
        assert made.helps
        assert opened.store.runs.get("run-1").run.probe == made.version
        for record in opened.store.runs.records("run-1"):
            assert record.observation.probed
            assert record.observation.probed.probe == made.version
            assert record.observation.probed.values["answer"] == record.signals["probe"]
            assert record.signals["p_ik"] is not None
            assert record.signals["avg_logprob"] is not None


def test_a_reading_never_knows_the_label_of_its_own_question(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path / "one", engine)) as opened:
        trained(opened, engine)
        before = readings(opened)
    learned = [question for question in before if split(question) == "calibration"]
    other = learned[0]

    def flipped(store_of: Workbench) -> None:
        record = next(r for r in store_of.store.runs.records("run-1") if r.observation.question == other)
        store_of.store.runs.label("run-1", record.id, not record.correct)

    with closing(workbench(tmp_path / "two", engine)) as opened:
        put_known(opened.store, engine)
        flipped(opened)
        train_probes(opened, ["run-1"])
        after = readings(opened)
    folds = {question: fold_of(question, 5) for question in before}
    assert after[other] == before[other]
    assert any(after[each] != before[each] for each in learned if folds[each] != folds[other])
    assert all(after[each] == before[each] for each in before if folds[each] == folds[other])


def test_labels_of_the_test_half_change_nothing(tmp_path: Path) -> None:
    engine = knowing()
    versions = []
    for flip in (False, True):
        with closing(workbench(tmp_path / str(flip), engine)) as opened:
            put_known(opened.store, engine)
            for record in opened.store.runs.records("run-1"):
                if flip and split(record.observation.question) == "test":
                    opened.store.runs.label("run-1", record.id, not record.correct)
            versions.append(train_probes(opened, ["run-1"]).version)
    assert versions[0] == versions[1]


def test_a_calibrator_combines_them_and_holds_with_them_alone(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        made = trained(opened, engine, graded=240)
        calibrator = calibrate(opened.store, ["run-1"])
        assert calibrator.probe == made.version
        assert "probe" in {term.name for term in calibrator.design.terms}
        assert calibrator.without_probes
        assert "probe" not in {term.name for term in calibrator.without_probes.design.terms}
        table = labelled_runs(opened.store, ["run-1"]).held_out
        plain = {name: column for name, column in table.signals.items() if name != "probe"}
        missing = table.signals | {"probe": np.full(len(table.ids), np.nan)}
        assert np.array_equal(calibrator.confidences(plain), calibrator.confidences(missing))
        assert not np.array_equal(calibrator.confidences(plain), calibrator.confidences(table.signals))

        opened.active.activate_calibrator(calibrator.version)
        opened.active.activate_probes(made.version)
        known, unknown = (
            next(q for q, correct in engine.truth.items() if correct is wanted and split(q) == "test")
            for wanted in (True, False)
        )
        traces = [opened.answer(question, n_samples=5) for question in (known, unknown)]
        likely, unlikely = (trace.last.confidence.calibrated for trace in traces)
        assert likely is not None
        assert unlikely is not None
        assert likely > 0.7 > 0.5 > unlikely
        assert opened.store.load(traces[0].id).last.observation.probed == traces[0].last.observation.probed

        other = made.model_copy(update={"questions": 1, "name": "other"})
        opened.store.probes.save(other.version, other.name, other.model_dump_json())
        opened.active.activate_probes(other.version)
        assert opened.answer(known, n_samples=5).last.confidence.calibrated is None
        assert f"not with {other.version}" in opened.active.calibration[1]


def test_one_that_adds_nothing_is_left_out(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        run = put_run(opened.store, "run-1", model=engine.fingerprint, graded=160)
        made = train_probes(opened, [run.id])
        assert not made.helps
        calibrator = calibrate(opened.store, [run.id])
        assert calibrator.probe == ""
        assert calibrator.without_probes is None
        assert "probe" not in {term.name for term in calibrator.design.terms}


def test_each_dataset_is_told_with_it_left_out(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        runs = [
            put_known(opened.store, engine, f"run-{name}", dataset=name, graded=160 + 2 * at)
            for at, name in enumerate(("rivers", "towns"))
        ]
        # The same questions in both are learned once.
        made = train_probes(opened, [run.id for run in runs])
        assert made.questions == sum(split(question) == "calibration" for question in engine.truth)
        assert set(made.in_domain) >= {"", "rivers"}


def test_the_states_are_asked_for_while_probes_of_this_model_are_active(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine, "ask.retrieve=false")) as opened:
        made = trained(opened, engine)
        engine.asked.clear()
        assert opened.answer("Who?", n_samples=2).last.observation.probed is None
        opened.active.activate_probes(made.version)
        probed = opened.answer("Who?", n_samples=2).last.observation.probed
        assert probed
        assert probed.probe == made.version
        opened.active.rollback_probes()
        assert opened.answer("Who?", n_samples=2).last.observation.probed is None
        layers = [internals.layers if internals else () for internals in engine.asked]
        assert layers == [(), made.layers("Who?"), ()]
        engine.model = "scripted:other:none"
        opened.active.activate_probes(made.version)
        assert opened.active.probes is None


def test_what_cannot_be_trained_on_is_said(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        put_known(opened.store, engine, "few", graded=30, n_samples=1)
        with pytest.raises(InvalidInput, match=r"too few labels: of .* are needed"):
            train_probes(opened, ["few"])
        put_run(opened.store, "other", model="scripted:other:none")
        with pytest.raises(InvalidInput, match="is of scripted:other:none"):
            train_probes(opened, ["other"])
        put_run(opened.store, "turns", model=engine.fingerprint, prompt=f"0123456789ab{FOLLOWS}")
        with pytest.raises(InvalidInput, match="first questions"):
            train_probes(opened, ["turns"])
        put_run(opened.store, "busy", model=engine.fingerprint, state="running")
        with pytest.raises(Conflict, match="still running"):
            train_probes(opened, ["busy"])
        put_run(opened.store, "failed", model=engine.fingerprint, graded=0, failed=3)
        with pytest.raises(InvalidInput, match="no answer whose hidden states"):
            train_probes(opened, ["failed"])
        with pytest.raises(InvalidInput, match="Name a run"):
            train_probes(opened, [])
        with pytest.raises(NotFound):
            train_probes(opened, ["nowhere"])
        with pytest.raises(InvalidInput, match="no layer"):
            train_probes(opened, ["few"], layers=[9])
        engine.shows = "none"
        with pytest.raises(CapabilityError, match="engine=huggingface"):
            train_probes(opened, ["few"])
        assert opened.store.probes.list() == []


def test_without_labels_the_entropy_alone_is_learned(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        run = put_known(opened.store, engine)
        for record in opened.store.runs.records(run.id):
            opened.store.runs.label(run.id, record.id, None)
        made = train_probes(opened, [run.id])
        assert made.targets == ("entropy",)
        assert made.accuracy is None
        assert made.in_domain == {}
        assert readings(opened, "semantic_entropy_probe").keys() == engine.truth.keys()


def test_a_cancelled_training_keeps_nothing(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        run, cancel = put_known(opened.store, engine), threading.Event()

        def stop(done: int, total: int) -> None:
            if done == 5:
                cancel.set()

        with pytest.raises(Cancelled, match="nothing was saved"):
            train_probes(opened, [run.id], progress=stop, cancel=cancel)
        assert opened.store.probes.list() == []
        assert opened.store.runs.get(run.id).run.probe == ""


def test_trained_again_the_new_readings_take_the_place_of_the_old(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        first = trained(opened, engine)
        for record in list(opened.store.runs.records("run-1"))[:30]:
            opened.store.runs.label("run-1", record.id, None)
        second = train_probes(opened, ["run-1"])
        assert first.version != second.version
        found = [record.observation.probed for record in opened.store.runs.records("run-1")]
        assert {each.probe for each in found if each} == {second.version}


def test_low_entropy_is_below_the_split_that_leaves_the_least_variance() -> None:
    assert low_entropy(np.array([0.0, 0.1, 1.5, 1.6, 0.05])).tolist() == [True, True, False, False, True]
    assert low_entropy(np.zeros(3)).tolist() == [True] * 3


def test_answers_whose_states_are_kept_are_not_read_again(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine, "store.hidden_states=true")) as opened:
        first = trained(opened, engine)
        read = len(engine.asked)
        labelled = next(iter(opened.store.runs.records("run-1")))
        assert read
        assert train_probes(opened, ["run-1"]).version == first.version
        assert len(engine.asked) == read
        opened.store.runs.label("run-1", labelled.id, not labelled.correct)
        train_probes(opened, ["run-1"])
        assert len(engine.asked) == read
        train_probes(opened, ["run-1"], layers=(1,))
        assert len(engine.asked) == 2 * read
        opened.store.delete_run("run-1")
        assert opened.store.states.size < 20_000


def test_without_that_setting_nothing_is_kept(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        trained(opened, engine)
        assert not opened.store.states.path.exists()
