"""Which answers a calibrator was fitted on: what proves something of it rests on the others."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from codex.calibration import Calibrator
from codex.datasets.splits import split
from codex.store.evaluation.table import Table

ASK_PAGE = "Ask page"
"""The dataset that answers of the Ask page count as."""


def seen(calibrator: Calibrator, table: Table, runs: Collection[str] = ()) -> NDArray[np.bool_]:
    """[n]: the answers to questions that a calibrator was fitted on, or may have been.

    Those of its runs or its datasets that are on the sides of the split that it was fitted on; what was asked
    on the Ask page may stand in any dataset. runs: those that the answers are of.
    """
    known = np.isin(table.groups, list(calibrator.datasets))
    if ASK_PAGE in calibrator.datasets or set(runs) & set(calibrator.runs):
        known = np.ones(len(table.ids), dtype=np.bool_)
    fitted: NDArray[np.bool_] = np.array(
        [split(question) in calibrator.sides for question in table.questions], dtype=np.bool_
    )
    return known & fitted
