"""Labels make a calibrator: weighted where they were drawn unevenly, and compared with what is active."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codex.ask.workbench import Workbench
from codex.calibration import Calibrator, estimated_confidences, fit, metrics
from codex.calibration.calibrator import measured
from codex.calibration.methods import METHODS, WEIGHTED, fit_map
from codex.calibration.risk import Guarantee, NoGuarantee
from codex.datasets.splits import split
from codex.errors import InvalidInput, NotFound
from codex.evaluation.calibrating import Target, answers_of, group_guarantees, guarantee
from codex.evaluation.scoring import confidences_of
from codex.evaluation.seen import seen
from codex.labelling.queues import Labelling
from codex.labelling.recalibrating import recalibrate
from codex.labelling.sampling import ranks, weights
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.labels import Label
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script, ScriptedEngine

ANSWERS = 160
LABELS = 100


def answer_of(prompt: str) -> Script:
    """Each as probable as its question is long, and no other way."""
    number = sum(prompt.encode()) % 17
    return Script(["Paris"], [0.2 + 0.04 * number])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    settings = load_settings([f"home={tmp_path}", "store.privacy=full", "ask.n_samples=2"])
    workbench = Workbench(settings, ScriptedEngine(answer_of), Store(tmp_path / "codex.duckdb", "full"))
    put_run(workbench.store, "run-1", graded=ANSWERS)
    yield workbench
    workbench.close()


def labelled(bench: Workbench, order: str = "mixed", labels: int = LABELS, source: str = "run") -> str:
    """A queue with labels that say what is so."""
    labelling = Labelling(bench)
    queue, _ = labelling.create("mine", source, run_id="run-1" if source == "run" else "", order=order)
    label_more(bench, queue.id, labels)
    return queue.id


def label_more(bench: Workbench, queue: str, labels: int) -> None:
    labelling, rng = Labelling(bench), np.random.default_rng(0)
    for _ in range(labels):
        found = labelling.next(queue, "")
        assert found is not None
        is_correct = bench.store.runs.record(*found).correct if found[0] else rng.random() < 0.6
        labelling.put(queue, Label(*found, "correct" if is_correct else "incorrect"))


def test_labels_make_a_calibrator_that_is_saved_and_not_active(bench: Workbench) -> None:
    made = recalibrate(bench, labelled(bench))
    saved = bench.store.calibrators.load(made.calibrator.version)
    assert (saved.active, made.calibrator.runs, made.calibrator.name) == (False, ("run-1",), "mine")
    assert (made.answers, made.weighted, made.unseen, made.active) == (LABELS, True, False, "")
    assert made.calibrator.holds_out
    assert (
        made.counts.to_fit == made.calibrator.questions < LABELS == made.counts.to_fit + made.counts.held_out
    )
    assert f"{made.counts.held_out} others are held out to prove a guarantee." in made.note
    assert made.after["brier"].value < made.before["brier"].value + 0.05
    assert "weighted by how likely each was to be drawn" in made.note
    bench.active.activate_calibrator(made.calibrator.version)
    assert bench.active.calibrator == made.calibrator


def test_a_calibrator_that_has_seen_the_labels_is_compared_on_those_held_out(bench: Workbench) -> None:
    run = bench.store.runs.get("run-1").run
    bench.active.activate_calibrator(put_calibrator(bench.store, run))
    made = recalibrate(bench, labelled(bench, "random"))
    assert made.unseen
    assert made.active.startswith("mine@")
    assert made.answers == LABELS - made.calibrator.questions
    assert "the active calibrator was fitted on the others" in made.note


def test_too_few_labels_say_how_many_it_takes(bench: Workbench) -> None:
    before = len(bench.store.calibrators.list())
    with pytest.raises(InvalidInput, match=r"^20 labels are too few .* Label 10 more\."):
        recalibrate(bench, labelled(bench, labels=20))
    assert len(bench.store.calibrators.list()) == before
    with pytest.raises(NotFound):
        recalibrate(bench, "gone")


@pytest.mark.parametrize("order", ["random", "mixed", "uncertainty"])
def test_thirty_labels_are_all_fitted_on_and_nothing_is_guaranteed(bench: Workbench, order: str) -> None:
    made = recalibrate(bench, labelled(bench, order, 30))
    assert (made.calibrator.sides, made.calibrator.questions) == (("calibration", "test"), 30)
    assert (made.answers, made.counts.to_fit, made.counts.held_out) == (30, 30, 0)
    assert made.weighted == (order == "mixed")
    told = bench.store.labels.of_run("run-1")
    asked = [bench.store.runs.record("run-1", each.question_id).observation.question for each in told]
    assert made.more == 2 * (30 - sum(split(question) == "calibration" for question in asked))
    assert (
        "Fitted on all 30 labels, so that none is left to prove a guarantee: label about "
        f"{made.more} more and recalibrate to hold half of them out. Compared on 30 labelled answers, each "
        "by a fit that did not see it"
    ) in made.note
    # Cross-fitted: each label's confidence is of a fit that did not see it.
    assert made.after["brier"].value == pytest.approx(made.calibrator.metrics["after"]["brier"].value)
    table = answers_of(bench.store, made.calibrator)
    assert table.counts.held_out == 0
    saved = Calibrator.model_validate_json(bench.store.calibrators.load(made.calibrator.version).body)
    found = guarantee(table, saved, Target(0.3, 0.1, bench.active.policy))
    assert isinstance(found, NoGuarantee)
    assert (found.n, str(found)) == (0, saved.why_unproven)
    assert "all of its 30 labels" in str(found)
    groups = group_guarantees(table, saved, Target(0.3, 0.1, bench.active.policy))
    assert [str(each) for each in groups.values()] == [saved.why_unproven]
    # All rows of its run may be labelled ones; those of another dataset are not.
    there = bench.store.runs.table("run-1")
    assert seen(saved, there, ["run-1"]).all()
    assert confidences_of(there, saved) == (None, "", saved.why_unproven)
    other = replace(there, groups=np.full(len(there.ids), "rivers"))
    assert not seen(saved, other, ["run-2"]).any()
    assert confidences_of(other, saved).values is not None


def test_a_calibrator_that_has_seen_all_labels_is_not_compared_on_them(bench: Workbench) -> None:
    queue = labelled(bench, "random", 30)
    first = recalibrate(bench, queue)
    bench.active.activate_calibrator(first.calibrator.version)
    again = recalibrate(bench, queue, "again")
    assert (again.familiar, again.unseen, again.before) == (True, False, first.before)
    assert (
        f"Before: an estimate without a calibrator, since {again.active} was fitted on these answers."
        in again.note
    )
    assert again.active == first.calibrator.version


def test_with_enough_labels_later_a_guarantee_can_be_proved(bench: Workbench) -> None:
    queue = labelled(bench, "random", 30)
    assert not recalibrate(bench, queue).calibrator.holds_out
    label_more(bench, queue, 70)
    made = recalibrate(bench, queue)
    assert made.calibrator.holds_out
    assert (made.more, made.counts.to_fit + made.counts.held_out) == (0, 100)
    target = Target(0.5, 0.1, bench.active.policy)
    assert isinstance(guarantee(answers_of(bench.store, made.calibrator), made.calibrator, target), Guarantee)


def test_answers_of_the_ask_page_are_fitted_on_too_but_not_those_of_another_model(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(80):
        bench.answer(f"What is the capital of country {number}?")
    queue = labelled(bench, "newest", 80, "asked")
    made = recalibrate(bench, queue)
    assert (made.calibrator.model, made.calibrator.runs) == (bench.model.engine.fingerprint, ())
    assert (made.weighted, made.answers) == (False, 80)  # The order is not random.
    monkeypatch.setattr(bench.model.engine, "model", "scripted:other")
    with pytest.raises(InvalidInput, match="None of the 80 labels is of an answer of scripted:other"):
        recalibrate(bench, queue)


def drawn_answers(seed: int, n: int, shift: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Signals and outcomes of n answers, of which the estimate is off by `shift` log odds."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.98, n)
    columns = {"min_prob_focus": chance, "weighted_similarity_focus": rng.binomial(5, chance) / 5}
    estimate = estimated_confidences(columns, n)
    rate = 1 / (1 + np.exp(-np.log(estimate / (1 - estimate)) - shift))
    return columns, rng.random(n) < rate


@pytest.mark.parametrize(("shift", "low", "high"), [(-1.5, -0.08, -0.03), (1.5, -0.08, -0.03), (0, 0, 0.03)])
def test_a_fit_to_thirty_labels_against_the_estimate_on_fresh_answers(
    shift: float, low: float, high: float
) -> None:
    """Mean change of the Brier score over 20 draws, each with a standard deviation of about 0.015.

    Where the estimate is 1.5 log odds off, the fit is far better; where it is perfect, which no fit to so
    few labels is, it loses little. The labels say so themselves, cross-fitted by fits to 24 of them: at most
    0.03 too bad, and not too good by more than chance.
    """
    fresh, told = [], []
    for seed in range(20):
        columns, correct = drawn_answers(seed, 30, shift)
        others, is_correct = drawn_answers(1000 + seed, 1000, shift)
        made = fit(columns, correct, signs=dict.fromkeys(columns, 1), repeats=1, balanced=False)
        before = metrics.brier(estimated_confidences(others, 1000), is_correct)
        fresh.append(metrics.brier(made.confidences(others), is_correct) - before)
        before = metrics.brier(estimated_confidences(columns, 30), correct)
        told.append(metrics.brier(made.crossfitted[0], correct) - before)
    assert low < np.mean(fresh) < high
    assert -0.01 < np.mean(told) - np.mean(fresh) < 0.03


def uneven(seed: int, n: int = 4000, m: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A signal and outcomes of n answers; which m were drawn in a mixed order; how much each counts.

    The confidence that the order goes by knows more of an answer than the signal does.
    """
    rng = np.random.default_rng(seed)
    chance = np.where(rng.random(n) < 0.7, 0.98, 0.55)
    signal = np.log(chance / (1 - chance)) + rng.normal(0, 3, n)
    correct = rng.random(n) < chance
    weight = weights("mixed", chance)
    assert weight is not None
    place = ranks("mixed", chance, chance, rng)
    first = np.argsort(place)[: m + 1]
    return signal, correct, first[:m], 1 / np.minimum(1, weight[first[:m]] * place[first[m]])


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_weighted_fit_is_less_biased_than_one_that_takes_uneven_labels_alike(method: str) -> None:
    """The mean confidence over all answers less their share of correct ones, 12 draws of 400 of 4,000."""
    bias: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(12):
        signal, correct, drawn, counts = uneven(seed)
        for weighted, found in bias.items():
            fitted = fit(
                {"s": signal[drawn]},
                correct[drawn],
                signs={"s": 1},
                counts=counts if weighted else None,
                method=method,  # type: ignore[arg-type]
                repeats=0,
            )
            found.append(float(fitted.confidences({"s": signal}).mean() - correct.mean()))
    assert abs(np.mean(bias[True])) < 0.01
    assert np.mean(bias[False]) < -0.04  # It draws more of the answers that are often incorrect.


def test_weighted_metrics_say_what_holds_for_all(bench: Workbench) -> None:
    """Over 30 draws their mean is that of all answers; unweighted the Brier score is a tenth too high."""
    rng = np.random.default_rng(1)
    confidence = rng.beta(5, 1.2, 8000)
    correct = rng.random(8000) < confidence
    whole = measured(confidence, correct, 10)
    found: dict[str, list[float]] = {"auroc": [], "brier": [], "nll": [], "alike": []}
    for seed in range(30):
        place = ranks("mixed", confidence, confidence, np.random.default_rng(seed))
        first = np.argsort(place)[:501]
        weight = weights("mixed", confidence)
        assert weight is not None
        drawn, counts = first[:500], 1 / np.minimum(1, weight[first[:500]] * place[first[500]])
        told = measured(confidence[drawn], correct[drawn], 10, counts)
        for name in ("auroc", "brier", "nll"):
            found[name].append(told[name].value)  # type: ignore[index]
        found["alike"].append(measured(confidence[drawn], correct[drawn], 10)["brier"].value)
    for name in ("auroc", "brier", "nll"):
        assert np.mean(found[name]) == pytest.approx(whole[name].value, rel=0.05)  # type: ignore[index]
    assert np.mean(found["alike"]) > 1.1 * whole["brier"].value


def test_labels_that_count_alike_say_the_same_as_without_counting() -> None:
    signal, correct, drawn, _ = uneven(0)
    plain, counted = (
        fit({"s": signal[drawn]}, correct[drawn], signs={"s": 1}, method="platt", repeats=1, counts=counts)
        for counts in (None, np.full(len(drawn), 3.0))
    )
    assert counted.confidences({"s": signal}) == pytest.approx(plain.confidences({"s": signal}), abs=1e-6)
    one, other = (
        measured(plain.crossfitted, correct[drawn], 20, counts) for counts in (None, np.full(len(drawn), 3.0))
    )
    for name in ("auroc", "brier", "nll"):
        assert other[name].value == pytest.approx(one[name].value, abs=1e-9)  # type: ignore[index]
        assert (other[name].low, other[name].high) == pytest.approx((one[name].low, one[name].high), abs=0.01)  # type: ignore[index]
    assert other["ece"].value == pytest.approx(one["ece"].value, abs=0.02)


def test_venn_abers_takes_labels_alike_only() -> None:
    raw, correct = np.linspace(0.1, 0.9, 40), np.arange(40) % 3 > 0
    with pytest.raises(InvalidInput, match="drawn unevenly"):
        fit_map("venn_abers", raw, correct, np.ones(40))
    assert set(METHODS) - set(WEIGHTED) == {"venn_abers"}


@pytest.mark.parametrize("method", WEIGHTED)
def test_a_label_that_counts_twice_is_as_two_labels(method: str) -> None:
    rng = np.random.default_rng(0)
    raw = rng.random(60)
    correct = rng.random(60) < raw
    twice = np.arange(60) % 2
    counted = fit_map(method, raw, correct, 1.0 + twice)  # type: ignore[arg-type]
    listed = np.concatenate([np.arange(60), np.flatnonzero(twice)])
    several = fit_map(method, raw[listed], correct[listed])  # type: ignore[arg-type]
    assert counted(raw) == pytest.approx(several(raw), abs=1e-4)
