"""The notebook about a model of one's own: it runs from its first cell to its last, with the real model."""

from __future__ import annotations

from tests.docs.notebooks import cells_of, kept_output, run

CELLS = cells_of("calibrate.ipynb")


def test_it_is_stored_without_what_it_printed() -> None:
    assert kept_output(CELLS) == []


def test_its_cells_run_one_after_another() -> None:
    assert run(CELLS)["trace"].last.confidence.calibrated is not None
