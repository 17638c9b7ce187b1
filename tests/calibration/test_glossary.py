"""Every metric that is shown is explained once: its name and one sentence that says what is good."""

from __future__ import annotations

from typing import get_args

import pytest

from codex.calibration.calibrator import MetricName
from codex.calibration.glossary import GLOSSARY, Metric, glossary_view
from codex.cli import calibrate, scores
from codex.evaluation import comparison, report
from codex.evaluation.scoring import ConfidenceScores
from codex.evaluation.text_metrics import TextScores
from codex.pages.calibrate import view as calibrate_view
from codex.pages.evaluate import view as evaluate_view


@pytest.mark.parametrize(
    "shown",
    [
        get_args(MetricName),
        (*report.RANKING, *report.PROBABILITY, *report.TEXT),
        (*scores.RANKED, *scores.MEANT, *calibrate.METRICS),
        comparison.METRICS,
        calibrate_view.SHOWN,
        (*evaluate_view.CONFIDENCE, *evaluate_view.METRICS),
    ],
    ids=["calibrator", "report", "command line", "comparison", "Calibrate", "Evaluate"],
)
def test_what_shows_metrics_finds_each_of_them_in_the_glossary(shown: tuple[str, ...]) -> None:
    assert set(shown) <= set(GLOSSARY)


def test_every_metric_of_scores_and_texts_is_in_the_glossary() -> None:
    fields = {*ConfidenceScores.model_fields, *TextScores.model_fields}
    metrics = {name for name in fields if not name.endswith("_ci")} - {"missing", "source", "n"}
    assert metrics <= set(GLOSSARY)


@pytest.mark.parametrize("metric", GLOSSARY.values(), ids=GLOSSARY)
def test_a_metric_has_one_sentence_that_says_what_is_good(metric: Metric) -> None:
    assert metric.says.endswith(".")
    assert ". " not in metric.says
    assert any(word in metric.says for word in ("higher is", "lower is", "best when", "as good as"))


def test_no_two_metrics_have_one_name() -> None:
    names = [metric.name for metric in GLOSSARY.values()]
    assert len(set(names)) == len(names)


def test_a_page_gets_names_and_sentences() -> None:
    assert glossary_view(["ece"]) == {"ece": {"name": "ECE", "says": GLOSSARY["ece"].says}}


def test_the_leaderboard_explains_whose_auroc_a_column_is() -> None:
    heads = evaluate_view.board_heads()
    assert {heads[key]["name"] for key in ("best_auroc", "auroc")} == {"Best signal", "Confidence"}
    assert all(GLOSSARY["auroc"].says in heads[key]["says"] for key in ("best_auroc", "auroc"))
