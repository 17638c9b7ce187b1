"""Coefficients of agreement against published values and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from codex.labelling.agreement import agreement, cohen, gwet, krippendorff, share
from codex.store.labelling.labels import VERDICTS, Label, LabelVerdict

RATERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
"""Four observers of twelve units; 0: none (Krippendorff 2011, Computing Krippendorff's alpha-reliability)."""


def counted() -> NDArray[np.float64]:
    ratings = np.array(RATERS)
    return np.stack([(ratings == word).sum(axis=0) for word in range(1, 6)], axis=1).astype(float)


def test_the_published_example_has_its_published_values() -> None:
    assert krippendorff(counted()) == pytest.approx(0.743, abs=5e-4)
    assert share(counted()) == pytest.approx(0.81818, abs=5e-6)  # Gwet, Handbook of inter-rater reliability
    assert gwet(counted()) == pytest.approx(0.77544, abs=5e-6)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(VERDICTS), 60)
    pairs = np.stack(
        [first, np.where(rng.random(60) < 0.6, first, rng.integers(0, len(VERDICTS), 60))], axis=1
    )
    assert cohen(pairs) == pytest.approx(cohen_kappa_score(pairs[:, 0], pairs[:, 1]))


def labels(*rows: tuple[LabelVerdict, ...], names: str = "abc") -> list[Label]:
    return [
        Label("run", f"q{i}", word, name)
        for i, row in enumerate(rows)
        for name, word in zip(names, row, strict=False)
    ]


def test_each_coefficient_lies_in_its_interval_and_those_who_differ_are_listed() -> None:
    rows: list[tuple[LabelVerdict, ...]] = [("correct", "correct")] * 20 + [("incorrect", "incorrect")] * 15
    found = agreement([*labels(*rows, ("correct", "incorrect"), ("partly", "correct"), ("correct",))])
    assert (found.answers, found.labellers) == (37, ("a", "b"))
    assert [each.name for each in found.coefficients] == [
        "agreement",
        "Krippendorff's alpha",
        "Gwet's AC1",
        "Cohen's kappa",
    ]
    assert all(each.low < each.value < each.high < 1.0001 for each in found.coefficients)
    assert found.coefficients[0].value == pytest.approx(35 / 37)
    assert found.differing == (("run", "q35"), ("run", "q36"))


def test_who_differs_most_evenly_comes_first_and_what_is_adjudicated_not_at_all() -> None:
    said = labels(
        ("correct", "correct", "incorrect"),
        ("correct", "incorrect"),
        ("correct", "correct", "incorrect", "incorrect"),
        names="abcd",
    )
    assert agreement(said).differing == (("run", "q2"), ("run", "q0"), ("run", "q1"))
    settled = Label("run", "q2", "correct", "chief", adjudicated=True)
    assert agreement([*said, settled]).differing == (("run", "q0"), ("run", "q1"))


def test_kappa_is_given_for_each_pair_of_labellers() -> None:
    found = agreement(labels(*[("correct", "correct", "incorrect"), ("incorrect",) * 3] * 10))
    assert [each.name for each in found.coefficients[3:]] == [
        "Cohen's kappa, a and b",
        "Cohen's kappa, a and c",
        "Cohen's kappa, b and c",
    ]
    assert [each.value for each in found.coefficients[3:]] == pytest.approx([1, 0, 0])


def test_without_two_labels_on_an_answer_nothing_is_defined() -> None:
    found = agreement(labels(("correct",), ("incorrect",)))
    assert found.answers == 0
    assert all(np.isnan(each.value) for each in found.coefficients)
