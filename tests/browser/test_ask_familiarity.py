"""An answer to a question unlike those of the calibrator says on which sets its confidence was calibrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from codex.calibration.familiarity import LEAST, Familiarity
from tests.support.browsing import OPENED, Scripted
from tests.support.evaluated import put_calibrator, put_run

SETS = ("arithmetic", "capitals", "elements", "newcomers")
KINDS = "calibrated on other kinds of questions (arithmetic, capitals, elements and 1 more)"


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Questions about capitals are alike; all others are orthogonal to them."""
    return np.stack([np.eye(2, dtype=np.float32)[int("capital" not in text)] for text in texts])


@pytest.fixture
def served(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    workbench = scripted.workbench
    monkeypatch.setattr(workbench.index, "embed", embed)
    known = Familiarity.of(["capital"] * LEAST, embed)
    run = put_run(workbench.store, "unlike", graded=120)
    version = put_calibrator(workbench.store, run, datasets=SETS, familiarity=known)
    workbench.active.activate_calibrator(version)
    yield scripted
    workbench.active.activate_calibrator(None)
    workbench.store.calibrators.delete(version)
    workbench.store.runs.delete(run.id)


@pytest.mark.parametrize("width", [1280, 800])
def test_the_sets_are_named_under_the_number_in_the_reason_and_on_top(
    page: Page, served: Scripted, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(served.url)
    box = page.get_by_role("textbox", name="Question")
    box.fill("Why did the Titanic sink?")
    box.press("Enter")
    decision = page.get_by_role("region", name="Decision")
    expect(decision.locator(".cx-confidence")).to_contain_text(f"confidence, {KINDS}", timeout=OPENED)
    expect(decision.locator(".cx-reason")).to_contain_text(KINDS)
    expect(page.get_by_role("banner").get_by_text(KINDS)).to_have_attribute("title", KINDS)
    expect(page.get_by_role("button", name="Change to the dark theme")).to_be_in_viewport(ratio=1)
    page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
