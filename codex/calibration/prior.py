"""What is known of confidence before the first label: a combination fitted on answers of other models.

Its signals are kept on scales that travel: how likely a model found its words, and how far its samples agree,
mean much the same for every model, whereas ranks are those of one model's answers. It is the confidence for
as long as no calibrator holds, and the centre that fits to few labels are held to (`combine.weigh`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

from codex.calibration.combine import Columns, Design, Term
from codex.calibration.logistic import logistic
from codex.text import sha256

Array = NDArray[np.float64]

FILE = Path(__file__).parent / "prior.json"
SUPPORT = "evidence_support"
"""Where a reliable judge read passages it counts a third: no answer that the prior was fitted on had it."""
MEANING = (
    "Estimated, not calibrated: from how likely the model found the words that carry its answer and how far "
    "its samples agree, combined as fits answers of other models to other questions. Where a reliable judge "
    "read passages, how far they support the answer counts a third."
)
"""What the number is, in one sentence for people."""
LIKE = {"weighted_similarity_focus": "greedy_similarity_focus"}
"""What takes a signal's place where it is missing: without log-probabilities all samples count alike."""
SET_L2 = 0.05
"""The penalty on half the squared intercepts of the sets, against the summed log loss."""


_SUMS = (-8.0, -5.0, -4.0, -3.0, -2.5, -2.0, -1.6, -1.3, -1.0, -0.8, -0.6, -0.4, -0.3, -0.2, -0.1, 0.0)
SCALES: dict[str, tuple[tuple[float, ...], Callable[[Array], Array]]] = {
    "sum_logprob_focus": (_SUMS, np.exp),
    "min_prob_focus": ((0.0, 1.0), np.asarray),
    "weighted_similarity_focus": ((0.0, 1.0), np.asarray),
}
"""Of each signal the knots of its scale, and the scale at them: all are probabilities, or shares of likely
samples. A higher value of each is more confident."""


class Answers(BaseModel):
    """Some of the answers that the prior was fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model: str
    dataset: str
    questions: int
    accuracy: float
    """Share of correct ones."""


class Prior(BaseModel):
    """The combination, and what it was fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    design: Design
    answers: tuple[Answers, ...]

    @property
    def version(self) -> str:
        """Ten hexadecimal digits of the content."""
        return sha256(self.model_dump_json())[:10]

    @classmethod
    def of(
        cls, columns: Columns, correct: ArrayLike, models: Sequence[str], datasets: Sequence[str]
    ) -> Prior:
        """Fitted on answers of several models to several sets: columns of [n], NaN where missing; all [n].

        All signals, on scales of variance 1, have the same weight: of the seven sets that the shipped one was
        fitted on, each judged by the others, weights of their own ranked none better, and fitted worse. Each
        set of a model has an intercept of its own, since how hard it is tells nothing of its answers; the
        intercept of the whole is that of all answers together.
        """
        target = np.asarray(correct, float)
        named = np.array([f"{model}\n{of}" for model, of in zip(models, datasets, strict=True)])
        names, group, sizes = np.unique(named, return_inverse=True, return_counts=True)
        terms = tuple(_term(name, columns[name]) for name in SCALES)
        pull = np.nan_to_num(Design(terms=terms).deviation(columns))[:, None]
        own = np.eye(len(names))[group]
        # Weights are not negative, so that an intercept is the difference of two.
        penalty = np.append(0.0, np.full(2 * len(names), SET_L2))
        (weight, *_), _ = logistic(np.hstack([pull, own, -own]), target, penalty)
        weighted = tuple(term.model_copy(update={"weight": float(weight)}) for term in terms)
        _, intercept = logistic(pull, target, most=weight, least=weight)
        return cls(
            design=Design(terms=weighted, intercept=intercept),
            answers=tuple(
                Answers(
                    **dict(zip(("model", "dataset"), name.split("\n"), strict=True)),
                    questions=int(size),
                    accuracy=float(target[group == at].mean()),
                )
                for at, (name, size) in enumerate(zip(names, sizes, strict=True))
            ),
        )

    def confidences(self, columns: Mapping[str, ArrayLike], n: int) -> Array:
        """[n] in [0, 1] of answers with these signals, NaN where they say nothing. columns: [n] each.

        A signal that is missing counts as what the others say on average, by weight.
        """
        missing = np.full(n, np.nan)
        there = {name: np.asarray(column, float) for name, column in columns.items()}
        for name, other in LIKE.items():
            own = there.get(name, missing)
            there[name] = np.where(np.isnan(own), there.get(other, missing), own)
        scores = self.design.scores({name: there.get(name, missing) for name in SCALES})
        weights = np.array([term.weight for term in self.design.terms])
        known = np.where(np.isnan(scores), 0.0, weights).sum(axis=1)
        pull = np.divide(np.nan_to_num(scores) @ weights, known, out=missing.copy(), where=known > 0)
        found = np.asarray(expit(self.design.intercept + pull * weights.sum()))
        support = there.get(SUPPORT, missing)
        with_support = np.where(np.isnan(found), support, (2 * found + support) / 3)
        return np.where(np.isnan(support), found, with_support)


@cache
def shipped_prior() -> Prior:
    """The one that comes with Codex: `python -m tests.bench.prior --fit` made it."""
    return Prior.model_validate_json(FILE.read_text(encoding="utf-8"))


def estimated_confidence(signals: Mapping[str, float | None]) -> float | None:
    """What the shipped prior says of one answer, in [0, 1]; None where nothing can be said.

    signals: as `codex.signals.compute` gives them.
    """
    columns = {name: [np.nan if value is None else value] for name, value in signals.items() if name in _READ}
    value = float(estimated_confidences(columns, 1)[0])
    return None if np.isnan(value) else value


def estimated_confidences(columns: Mapping[str, ArrayLike], n: int) -> Array:
    """`estimated_confidence` of n answers: name -> [n], NaN where missing; gives [n]."""
    return shipped_prior().confidences(columns, n)


_READ = {*SCALES, *LIKE.values(), SUPPORT}


def _term(name: str, column: ArrayLike) -> Term:
    """The scale of a signal, of mean 0 and variance 1 over these values; weight 1."""
    knots, scale = SCALES[name]
    x = np.asarray(column, float)
    known = scale(x[~np.isnan(x)].clip(knots[0], knots[-1]))
    scores = (scale(np.array(knots)) - known.mean()) / known.std()
    return Term(name=name, sign=1, values=knots, scores=tuple(scores.tolist()), weight=1.0)
