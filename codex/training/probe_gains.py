"""What a probe adds to the other signals: in its own domain, and on a dataset that it was not fitted on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codex.calibration import LEAST_LABELS, fit
from codex.calibration.crossfit import Fitted
from codex.calibration.metrics import auroc
from codex.calibration.resampling import auroc_gain
from codex.signals import REGISTRY
from codex.signals.probes import SIGNALS, Gain
from codex.training.probe_fit import LEAST, fit_probe
from codex.training.probe_states import Answers

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

PROBE = SIGNALS["answer"]
REPEATS = 2
"""Of the cross-fits that are compared."""


def in_domain(answers: Answers, rows: Rows, correct: Flags, probe: Array) -> dict[str, Gain]:
    """By dataset, and of all rows under "": fitted on questions of the same dataset too, cross-fitted.

    rows: those fitted on. correct, probe: [n]; probe: of probes that did not see the row. Nothing where the
    rows are too few for a calibrator.
    """
    if len(rows) < LEAST_LABELS:
        return {}
    signals = {name: column[rows] for name, column in answers.signals.items()}
    groups, labels, told = answers.groups[rows], correct[rows], probe[rows]
    plain, better = (
        _fit(columns, labels, groups).crossfitted.mean(0) for columns in (signals, signals | {PROBE: told})
    )
    parts = {"": np.ones_like(labels)} | {str(name): groups == name for name in np.unique(groups)}
    return {
        name: _gain(better[inside], plain[inside], told[inside], labels[inside])
        for name, inside in parts.items()
        if _both(labels[inside])
    }


def left_out(
    answers: Answers, rows: Rows, correct: Flags, probe: Array, stop: Callable[[], bool]
) -> dict[str, Gain]:
    """By dataset: probe and combination are fitted on the others alone. Arguments as of `in_domain`."""
    found = {}
    for name in np.unique(answers.groups[rows]):
        inside = answers.groups[rows] == name
        there, others = rows[inside], rows[~inside]
        fewest = min(int(correct[others].sum()), int((~correct[others]).sum()))
        if len(others) < LEAST_LABELS or fewest < LEAST or not _both(correct[there]):
            continue
        other = fit_probe(answers.states.of(others), correct[others], "answer", stop)
        told = answers.probabilities(other, there)
        known = {key: column[others] for key, column in answers.signals.items()}
        seen = {key: column[there] for key, column in answers.signals.items()} | {PROBE: told}
        plain, better = (
            _fit(columns, correct[others], answers.groups[others]).confidences(seen)
            for columns in (known, known | {PROBE: probe[others]})
        )
        found[str(name)] = _gain(better, plain, told, correct[there])
    return found


def _fit(columns: dict[str, Array], correct: Flags, groups: NDArray[np.str_]) -> Fitted:
    signs = {each.name: 1 if each.higher_is_confident else -1 for each in REGISTRY.values()}
    return fit(columns, correct, signs=signs, groups=groups, repeats=REPEATS)


def _both(labels: Flags) -> bool:
    return bool(labels.any() and not labels.all())


def _gain(better: Array, plain: Array, probe: Array, correct: Flags) -> Gain:
    gain, low, high = auroc_gain(better, plain, correct)
    return Gain(
        questions=len(correct),
        signals=auroc(plain, correct),
        probe=auroc(probe, correct),
        gain=gain,
        low=low,
        high=high,
    )
