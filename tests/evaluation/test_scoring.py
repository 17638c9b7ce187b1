"""What a run's answers show of its signals and its confidence."""

from __future__ import annotations

import gzip
import json
import math
import threading
from pathlib import Path

import numpy as np
import pytest

from codex.calibration import metrics
from codex.errors import Cancelled, InvalidInput
from codex.evaluation import generations
from codex.evaluation.scoring import Scores, graded, score
from codex.signals import REGISTRY
from codex.store.evaluation.table import Table
from tests.support.frozen import FILES
from tests.support.shared_data import FOLDER, shared_data

REQUIRED = {"auroc", "prr", "prr50", "aurc"}
OF_CONFIDENCE = REQUIRED | {"ece", "ece_excess", "brier", "nll"}


def make_table(correct: list[bool], groups: list[str] | None = None, **signals: list[float]) -> Table:
    n = len(correct)
    return Table(
        ids=tuple(map(str, range(n))),
        questions=("Which?",) * n,
        texts=("Rome",) * n,
        groups=np.array(groups or ["a"] * n, dtype=np.str_),
        correct=np.array(correct, dtype=np.bool_),
        signals={name: np.array(values, dtype=np.float64) for name, values in signals.items()},
        ungraded=2,
    )


def quick(table: Table, resamples: int = 20) -> Scores:
    """Scores with a made-up confidence: cross-fitting takes seconds."""
    made_up = np.random.default_rng(1).random((2, len(table.correct)))
    return score(table, confidences=made_up, resamples=resamples)


def simulated(n: int, seed: int = 0) -> Table:
    """Answers that are correct as often as their signals say."""
    rng = np.random.default_rng(seed)
    chance = rng.random(n)
    correct = rng.random(n) < chance
    noisy = chance + rng.normal(0, 0.2, n)
    return make_table(
        correct.tolist(),
        ["odd" if i % 2 else "even" for i in range(n)],
        avg_logprob=np.log(chance).tolist(),
        perplexity=(1 / chance).tolist(),
        min_prob=noisy.tolist(),
        answer_frequency=np.round(noisy, 1).tolist(),
    )


def test_every_signal_has_the_figures_of_the_metrics_with_intervals_beside_them() -> None:
    table = simulated(200)
    scores = quick(table, 100)
    for name, confidence in (
        ("avg_logprob", table.signals["avg_logprob"]),
        ("perplexity", -table.signals["perplexity"]),
    ):
        got = scores.signals[name]
        assert got.auroc == pytest.approx(metrics.auroc(confidence, table.correct))
        assert got.prr == metrics.prr(confidence, table.correct)
        assert got.prr50 == metrics.prr(confidence, table.correct, 0.5)
        assert got.aurc == metrics.aurc(confidence, table.correct)
        assert got.auprc == pytest.approx(metrics.auprc_errors(confidence, table.correct))
        assert got.accuracy_at_80 == metrics.accuracy_at_coverage(confidence, table.correct)
        low, high = got.auroc_ci or (1.0, 0.0)
        assert low < got.auroc < high
    # 1/p and ln p rank alike once they are oriented.
    assert scores.signals["perplexity"].auroc == scores.signals["avg_logprob"].auroc


def test_the_json_has_the_guaranteed_keys_and_no_nan() -> None:
    row = json.loads(quick(simulated(100)).model_dump_json())
    assert row["n"] == 100
    assert 0 < row["accuracy"] < 1
    assert row["ungraded"] == 2
    assert set(row["signals"]) == set(REGISTRY)
    for figures in row["signals"].values():
        assert figures.keys() >= REQUIRED | {f"{name}_ci" for name in REQUIRED}
    assert row["confidence"].keys() >= OF_CONFIDENCE | {f"{name}_ci" for name in OF_CONFIDENCE}
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_the_confidence_is_cross_fitted_on_the_answers_themselves() -> None:
    table = simulated(300)
    scores = score(table, resamples=50)
    assert scores.confidence is not None
    assert scores.note == ""
    # The best possible AUROC here is 5/6; 0.08 is three standard errors at 300 answers.
    assert scores.confidence.auroc == pytest.approx(5 / 6, abs=0.08)
    assert abs(scores.confidence.ece_excess or 1) < 0.05
    assert scores.confidence.ece == pytest.approx(
        scores.confidence.ece_excess + scores.confidence.ece_perfect  # type: ignore[operator]
    )


def test_given_confidences_are_scored_as_the_mean_over_their_repeats() -> None:
    table = simulated(60)
    one, other = np.random.default_rng(1).random((2, 60))
    scores = score(table, confidences=[one, other], resamples=20)
    assert scores.confidence is not None
    expected = (metrics.brier(one, table.correct) + metrics.brier(other, table.correct)) / 2
    assert scores.confidence.brier == pytest.approx(expected)


def test_groups_are_scored_by_themselves() -> None:
    table = simulated(120)
    scores = quick(table)
    even = table.groups == "even"
    assert set(scores.groups) == {"even", "odd"}
    assert scores.groups["even"].n == 60
    assert scores.groups["even"].accuracy == table.correct[even].mean()
    expected = metrics.auroc(table.signals["min_prob"][even], table.correct[even])
    assert scores.groups["even"].signals["min_prob"].auroc == expected
    assert scores.groups["odd"].confidence is not None
    assert quick(make_table([True, False] * 20)).groups == {}


def test_a_signal_that_some_answers_lack_counts_them_as_least_confident() -> None:
    table = make_table([True, True, False, False], avg_logprob=[-1.0, -2.0, math.nan, -1.5])
    got = score(table, resamples=20).signals["avg_logprob"]
    assert got.missing == 1
    # Of the four pairs of a right and a wrong answer only -2 against -1.5 is in the wrong order.
    assert got.auroc == 3 / 4


def test_a_signal_that_all_answers_lack_has_no_figures() -> None:
    got = quick(simulated(50)).signals["p_true"]
    assert got.missing == 50
    assert set(got.model_dump(exclude={"missing"}).values()) == {None}


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_values_that_are_not_finite_do_no_harm(value: float) -> None:
    table = simulated(60)
    table.signals["avg_logprob"][:5] = value
    row = quick(table).model_dump()
    json.dumps(row, allow_nan=False)
    assert row["signals"]["avg_logprob"]["auroc"] is not None


@pytest.mark.parametrize(
    ("correct", "note"),
    [
        ([], "No answer is graded."),
        ([True], "30 are needed: 29 more"),
        ([True, False] * 14, "30 are needed: 2 more"),
        ([True] * 40, "All 40 answers are correct"),
        ([False] * 40, "All 40 answers are incorrect"),
    ],
)
def test_where_there_is_no_confidence_a_note_says_why(correct: list[bool], note: str) -> None:
    scores = score(make_table(correct, avg_logprob=np.linspace(-2, -1, len(correct)).tolist()), resamples=20)
    assert scores.confidence is None
    assert note in scores.note
    json.dumps(scores.model_dump(), allow_nan=False)
    assert scores.n == len(correct)


def test_all_right_leaves_the_figures_of_telling_apart_open() -> None:
    got = score(make_table([True] * 5, avg_logprob=[-1.0] * 5), resamples=20).signals["avg_logprob"]
    assert (got.auroc, got.prr, got.auprc) == (None, None, None)
    assert (got.aurc, got.accuracy_at_80) == (0, 1)


def test_without_any_signal_there_is_no_confidence() -> None:
    scores = score(make_table([True, False] * 20), resamples=20)
    assert scores.confidence is None
    assert "No answer has a signal" in scores.note


def test_signals_that_are_all_alike_make_no_confidence_and_a_note_says_so() -> None:
    scores = score(make_table([True, False] * 20, avg_logprob=[-1.0] * 40), resamples=20)
    assert scores.confidence is None
    assert scores.note
    assert scores.signals["avg_logprob"].auroc == 0.5


def test_scoring_stops_when_it_is_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        score(simulated(20), cancel=cancel)


def line(id_: str, answer: str, **more: object) -> str:
    greedy = {"text": answer, "finish": "stop", "tokens": [[1, answer, -0.5]]}
    row = {"id": id_, "question": "Capital of Oman?", "answers": ["Muscat"], "greedy": greedy, "samples": []}
    return json.dumps(row | more)


def stored(path: Path, grader: str | None = None) -> Scores:
    table, accepted = graded(generations.read(path), grader)
    return score(table, answers=accepted, resamples=20)


def test_stored_answers_are_graded_by_the_default_unless_their_verdict_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl.gz"
    lines = [
        line("a", "It is Muscat."),
        line("b", "Salalah"),
        line("c", "Salalah", right=True),
        line("d", "", error="it failed"),
        line("e", "Salalah", answers=[]),
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    scores = stored(path)
    assert (scores.n, scores.ungraded, scores.accuracy) == (3, 2, pytest.approx(2 / 3))
    assert scores.text is not None
    assert scores.text.n == 3
    assert stored(path, "exact").accuracy == 0
    with pytest.raises(InvalidInput, match="grader"):
        stored(path, "nobody")


def test_a_context_counts_as_the_passage_and_the_first_token_as_the_verdict(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    more = {"context": "Muscat lies by the sea.", "p_true_top": [["True", -0.1], ["False", -3.0]]}
    path.write_text("\n".join([line("a", "Muscat", **more), line("b", "Nizwa", **more)]))
    table, answers = graded(generations.read(path))
    assert table.signals["evidence_overlap_focus"].tolist() == [1.0, 0.0]
    assert table.signals["p_true"][0] == pytest.approx(1 / (1 + math.exp(-2.9)))
    assert answers == [("Muscat",)] * 2


@pytest.mark.parametrize("file", FILES)
def test_stored_answers_of_two_models_have_their_published_figures(file: str) -> None:
    path = shared_data("frozen", f"{file}.jsonl.gz")
    if not path.exists():
        pytest.skip(f"no {path.name} under {FOLDER}")
    scores = quick(graded(generations.read(path), "contains")[0])
    published = {
        "qwen15-triviaqa": (0.163, 0.813),
        "qwen15-countries": (0.608, 0.805),
        "qwen15-arithmetic": (0.808, 0.942),
        "smol-countries": (0.436, 0.554),
    }[file]
    # 0.01: other normalising grades two answers of 250 otherwise.
    assert (scores.accuracy, scores.signals["cocoa_ppl"].auroc) == pytest.approx(published, abs=0.01)
