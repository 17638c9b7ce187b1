"""What each metric is called and what it says, in one sentence: for pages, reports, shell and documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Metric(NamedTuple):
    """A metric as it is shown."""

    name: str
    says: str
    """One sentence: what it measures, and which values are good."""


GLOSSARY: dict[str, Metric] = {
    "accuracy": Metric("Correct", "Share of the graded answers that are correct: higher is better."),
    "coverage": Metric(
        "Answered", "Share of the questions that the policy answers: higher is better at the same risk."
    ),
    "selective_accuracy": Metric(
        "Correct among answered",
        "Share of correct answers among those that the policy gives: higher is better at the same coverage.",
    ),
    "confidence": Metric(
        "Mean confidence", "Average confidence of the answers: best when it equals the share that is correct."
    ),
    "auroc": Metric(
        "AUROC",
        "Chance that a correct answer is ranked above an incorrect one: higher is better, "
        "1 is perfect and 0.5 is chance.",
    ),
    "auprc": Metric(
        "AUPRC of errors",
        "Average precision of finding the incorrect answers by low confidence: higher is better, "
        "1 is perfect and the share of incorrect answers is chance.",
    ),
    "prr": Metric(
        "PRR",
        "Prediction rejection ratio, how well rejecting the least confident answers removes the incorrect "
        "ones: higher is better, 1 is perfect and 0 is chance.",
    ),
    "prr50": Metric(
        "PRR to 50%",
        "Prediction rejection ratio with at most half of the answers rejected: higher is better, "
        "1 is perfect and 0 is chance.",
    ),
    "aurc": Metric(
        "AURC",
        "Share of incorrect answers among those given, averaged over all coverages: lower is better, "
        "and the share of incorrect answers is chance.",
    ),
    "eaurc": Metric(
        "Excess AURC", "AURC minus that of the best order of the same answers: lower is better, 0 is perfect."
    ),
    "accuracy_at_80": Metric(
        "Correct at 80% coverage",
        "Share of correct answers among the most confident 80%: higher is better, 100% is perfect.",
    ),
    "ece": Metric(
        "ECE",
        "Expected calibration error, how far the confidence is from the share of correct answers on average "
        "over 15 equal-mass bins: lower is better, 0 is perfect.",
    ),
    "ece_perfect": Metric(
        "ECE of perfect probabilities",
        "ECE that perfect probabilities would show by chance on so few answers: an ECE near it is as good "
        "as can be measured.",
    ),
    "ece_excess": Metric(
        "ECE excess",
        "ECE minus the ECE that perfect probabilities would show on so few answers: lower is better, "
        "0 or below cannot be told from perfect.",
    ),
    "ece_width": Metric(
        "ECE, equal-width bins",
        "Expected calibration error over 10 bins of equal width: lower is better, 0 is perfect.",
    ),
    "brier": Metric(
        "Brier",
        "Mean squared distance between the confidence and the outcome, 1 or 0: lower is better, "
        "0 is perfect and 0.25 is what a constant 50% gets.",
    ),
    "nll": Metric(
        "NLL, nats",
        "Mean negative log-likelihood of the outcomes: lower is better, 0 is perfect "
        "and 0.69 is what a constant 50% gets.",
    ),
    "exact_match": Metric(
        "Exact match", "Share of the answers that equal an accepted one: higher is better, 1 is perfect."
    ),
    "f1": Metric(
        "F1 over words", "Overlap of words with the closest accepted answer: higher is better, 1 is perfect."
    ),
    "bleu": Metric(
        "BLEU, 0 to 100",
        "Overlap of word sequences with the accepted answers: higher is better, 100 is perfect.",
    ),
    "chrf": Metric(
        "chrF, 0 to 100",
        "Overlap of character sequences with the accepted answers: higher is better, 100 is perfect.",
    ),
    "rouge1": Metric(
        "ROUGE-1 F1", "Overlap of single words with the accepted answers: higher is better, 1 is perfect."
    ),
    "rouge2": Metric(
        "ROUGE-2 F1", "Overlap of pairs of words with the accepted answers: higher is better, 1 is perfect."
    ),
    "rouge_l": Metric(
        "ROUGE-L F1",
        "Longest common sequence of words with the accepted answers: higher is better, 1 is perfect.",
    ),
    "perplexity": Metric(
        "Perplexity", "How unexpected the model found its own tokens: lower is more expected, 1 is the least."
    ),
    "distinct1": Metric(
        "Distinct words", "Share of words that differ from each other: higher is more varied, 1 is the most."
    ),
    "distinct2": Metric(
        "Distinct pairs of words",
        "Share of pairs of words that differ from each other: higher is more varied, 1 is the most.",
    ),
}
"""By the names of the fields of `Scores` and its parts."""


def glossary_view(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """These metrics for a page, as JSON. Raises KeyError for one that the glossary lacks."""
    return {name: GLOSSARY[name]._asdict() for name in names}


def metrics_table() -> str:
    """Every metric as a Markdown table: name, meaning."""
    rows = (f"| {metric.name} | {metric.says} |" for metric in GLOSSARY.values())
    return "\n".join(["| metric | what it says |", "| --- | --- |", *rows])
