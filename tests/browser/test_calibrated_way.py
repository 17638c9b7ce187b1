"""From questions to a probe, a verifier and answers with a guarantee: the whole way, with the real model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from codex.ask.workbench import Workbench
from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.datasets.splits import split
from codex.evaluation import callers
from codex.policy import ACTIONS, GATES, decide
from codex.types import Action, Gate
from tests.support.browsing import Served, ask, open_page, serving

FIT, HELD_OUT = 48, 28
"""Capitals on each side of the split: enough to train a probe on, and enough to prove a guarantee."""
QUESTIONS = FIT + HELD_OUT
SHORT = ["engine.threads=1", "engine.params.max_tokens=16", "ask.n_samples=1"]
"""What a capital takes."""
RISK = 60
"""Percent: SmolLM2 names one capital in two or three, and few prove little; 50% may be refused."""
STRAIGHT = 0.05
"""The calibration error beyond that of perfect probabilities that a fit to so few answers may leave."""
ASKED, FITTED = 900_000, 600_000
"""Milliseconds that suffice on a busy machine."""
GUARANTEE = f"At most {RISK}% of the answers given are incorrect, at the 95% confidence level"


@pytest.fixture
def own(own_home: Path, context: BrowserContext) -> Iterator[Served]:
    """Codex with the default model and a home of its own: what becomes active decides for no other test."""
    workbench = Workbench.open([f"home={own_home}", "engine=llama_cpp", *SHORT])
    import_capitals(own_home)
    workbench.model.load()
    with serving(workbench) as url:
        yield Served(url, workbench)
        # Before the server ends: a page that is left without it logs errors.
        context.close()
    workbench.close()


def import_capitals(home: Path) -> None:
    """The first that ship on each side."""
    found = [item for item in load("capitals", home) if "capital" in item.question]
    fit, held_out = (
        [item for item in found if split(item.question) == side] for side in ("calibration", "test")
    )
    rows = [
        {"question": item.question, "answers": item.answers, "grader": item.grader}
        for item in (*fit[:FIT], *held_out[:HELD_OUT])
    ]
    path = home / "some-capitals.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    import_file(path, home)


def test_from_a_run_to_a_probe_and_a_verifier_to_a_calibrator_to_a_target_to_answers_that_keep_it(
    page: Page, own: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which questions share a batch changes how the model rounds: alone, each is answered the same every time.
    monkeypatch.setattr(callers, "CALLERS", {})
    evaluate(page, own)
    train_probes(page, own)
    train_verifier(page, own)
    calibrate(page)
    activate_probes(page, own)
    expect(page.get_by_role("banner")).not_to_contain_text("not calibrated")
    tune(page, own)
    open_page(page, own.url)
    ask(page, sure_question(own))
    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text("confidence, calibrated")
    expect(decision).to_contain_text(GUARANTEE)
    expect(decision.locator(".cx-badge.large")).to_have_text("answer")
    page.get_by_role("tab", name="Signals").click()
    read = re.compile(r"hidden states by a linear probe\.\s*0\.\d")
    expect(page.get_by_role("tabpanel")).to_contain_text(read)


def sure_question(real: Served) -> str:
    """One of the run's that the active policy answers as it is first answered."""
    workbench = real.workbench
    table = workbench.store.runs.table(workbench.store.runs.list()[0].run.id)
    assert workbench.active.calibrator is not None
    confidence = workbench.active.calibrator.confidences(table.signals)
    decided = decide(workbench.active.policy, table.signals, confidence)
    given = (decided.action == ACTIONS.index(Action.ANSWER)) & (decided.gate == GATES.index(Gate.PROCEED))
    return table.questions[int(np.flatnonzero(given)[confidence[given].argmax()])]


def evaluate(page: Page, real: Served) -> None:
    """Ask the questions on the Evaluate page."""
    page.goto(f"{real.url}evaluate")
    page.get_by_role("combobox", name="Dataset").select_option("some-capitals")
    page.get_by_role("textbox", name="Name").fill("the whole way")
    page.get_by_role("button", name="Start", exact=True).click()
    work = page.get_by_role("region", name="Evaluation")
    expect(work).to_contain_text(f"Done: {QUESTIONS} answers graded", timeout=ASKED)


def train_probes(page: Page, real: Served) -> None:
    """Train probes on the run; they are activated once a calibrator knows them."""
    page.goto(f"{real.url}train?run={real.workbench.store.runs.list()[0].run.id}")
    form = page.get_by_role("complementary", name="New training")
    expect(form.get_by_role("checkbox", name="the whole way")).to_be_checked()
    form.get_by_role("button", name="Start", exact=True).click()
    work = page.get_by_role("region", name="Training", exact=True)
    expect(work).to_contain_text(re.compile("Done: probe@.* is saved, not yet active"), timeout=ASKED)
    expect(page.get_by_role("link", name="Calibrate with them")).to_be_visible()


def train_verifier(page: Page, real: Served) -> None:
    """Train a verifier on the run, verify it with that, activate it, and go on to the Calibrate page."""
    form = page.get_by_role("complementary", name="New training")
    form.get_by_text("Verifier", exact=True).click()
    expect(form.get_by_role("radio", name="Readout")).to_be_checked()
    expect(form.get_by_role("checkbox", name="the whole way")).to_be_checked()
    form.get_by_role("button", name="Start", exact=True).click()
    work = page.get_by_role("region", name="Training", exact=True)
    expect(work).to_contain_text(re.compile("Done: verifier@.* is saved, not yet active"), timeout=ASKED)
    card = page.get_by_role("region", name="Verifier", exact=True)
    card.get_by_role("button", name="Activate", exact=True).click()
    expect(card.get_by_role("button", name="Deactivate")).to_be_visible()
    assert real.workbench.active.verifier.in_use is not None
    card.get_by_role("button", name="Verify its runs").click()
    card.get_by_role("link", name="Calibrate with it").click(timeout=ASKED)


def activate_probes(page: Page, real: Served) -> None:
    """Have the answers read from the next question on."""
    page.goto(f"{real.url}train")  # where the verifier is shown, which is active
    page.get_by_role("region", name="Saved versions").get_by_text("probe@").click()
    page.get_by_role("region", name="Probes", exact=True).get_by_role("button", name="Activate").click()
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()


def calibrate(page: Page) -> None:
    """Fit, see that the diagram is straight, and activate the calibrator."""
    form = page.get_by_role("complementary", name="New calibrator")
    expect(form.get_by_role("checkbox", name="the whole way")).to_be_checked()
    form.get_by_role("button", name="Fit", exact=True).click()
    work = page.get_by_role("region", name="Fit", exact=True)
    expect(work).to_contain_text("is saved, not yet active", timeout=FITTED)
    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card).to_contain_text("calibrator@", timeout=FITTED)  # until then the shipped one is shown
    table = page.get_by_role("table", name="Metrics before and after")
    assert excess(table.get_by_role("row", name="calibrated"), table) < STRAIGHT
    card.get_by_role("button", name="Activate").click()


def excess(row: Locator, table: Locator) -> float:
    """The calibration error of a row, beyond what perfect probabilities would show."""
    expect(table.get_by_role("columnheader", name="excess")).to_be_visible(timeout=FITTED)
    heads = table.get_by_role("columnheader").all_inner_texts()
    at = next(i for i, head in enumerate(heads) if "excess" in head.lower())
    cell = row.get_by_role("cell").nth(at - 1)
    expect(cell).to_contain_text(re.compile(r"\d"), timeout=FITTED)
    found = re.search(r"-?\d+\.\d+", cell.inner_text().replace("\u2212", "-"))
    assert found is not None
    return float(found[0])


def tune(page: Page, real: Served) -> None:
    """Type a target, take the thresholds that are proposed for it, and let them decide."""
    run = real.workbench.store.runs.list()[0].run.id
    page.goto(f"{real.url}tune?run={run}")
    target = page.get_by_role("form", name="Target")
    target.get_by_role("textbox", name="Incorrect answers allowed, α, in percent").fill(str(RISK))
    target.get_by_role("button", name="Propose thresholds").click()
    expect(page.get_by_text(GUARANTEE)).to_be_visible()
    page.get_by_role("button", name="Make active").click()
    expect(page.get_by_text(re.compile("is used from the next question on"))).to_be_visible()
    assert real.workbench.active.policy.guarantee is not None
