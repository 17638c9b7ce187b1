"""One number reads alike wherever it stands: on all pages, and as Python writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from codex.pages.ask.copying import as_text
from codex.policy import Policy
from codex.text import chosen, number, percent
from tests.support.browsing import OPENED, Scripted
from tests.support.kept_run import keep_run

WRITTEN = """async (values) => {
  const words = await import(new URL("codex-assets/js/shared/words.js", document.baseURI));
  return ["number", "share", "chosen"].map((name) => values.map(words[name]));
}"""
VALUES = [
    *(0, 1, 0.5, 0.125, 0.0005, 0.00049, 0.995, 0.9951, 0.9996, 0.99996, 0.999999),
    *(0.0949, 0.0951, 0.0996, 0.996, 1 / 3, 2 / 3),
    *(math.exp(-i / 7) for i in range(70)),
]


def test_the_pages_and_python_write_a_number_alike(page: Page, scripted: Scripted) -> None:
    page.goto(scripted.url)
    assert page.evaluate(WRITTEN, VALUES) == [
        [write(value) for value in VALUES] for write in (number, percent, chosen)
    ]
    signed = [-value for value in VALUES] + [value * 1000 for value in VALUES]
    assert page.evaluate(WRITTEN, signed)[0] == [number(value) for value in signed]


def test_a_number_that_rounds_to_zero_has_no_minus_sign(page: Page, scripted: Scripted) -> None:
    page.goto(scripted.url)
    assert page.evaluate(WRITTEN, [-0.0, -1.5])[0] == ["0", "−1.5"]


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    """With a run, and an active policy that answers all of it from 50.5% on, without rules."""
    keep_run(scripted.workbench.store, RUN, NAME)
    scripted.workbench.active.activate_policy(Policy(name="plain", rules=(), answer_above=0.505))
    yield scripted
    scripted.workbench.active.activate_policy(None)
    scripted.workbench.store.runs.delete(RUN)


RUN, NAME = "alike", "read alike"


def test_a_confidence_and_a_threshold_read_alike_wherever_they_stand(page: Page, served: Scripted) -> None:
    page.goto(served.url)
    box = page.get_by_role("textbox", name="Question")
    box.fill("What is the capital of Australia?")
    box.press("Enter")
    decision = page.get_by_role("region", name="Decision")
    large = decision.locator(".cx-confidence .cx-num")
    expect(large).to_be_visible(timeout=OPENED)
    store = served.workbench.store
    [trace] = store.sessions.traces(store.sessions.list()[0].id)
    assert trace.confidence.value is not None
    confidence = percent(trace.confidence.value)
    expect(large).to_have_text(confidence)
    expect(decision).to_contain_text(f"{confidence} likely correct: ")
    expect(decision).to_contain_text("50.5% needed to answer")
    expect(decision).to_contain_text("answer ≥ 50.5%")
    page.get_by_role("tab", name="Steps").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(f"Confidence {confidence}")
    assert f"Confidence: {confidence}, " in as_text(served.workbench.traces.get(trace.id))

    page.goto(f"{served.url}tune?run={RUN}")
    expect(page.get_by_role("textbox", name="Answer at or above")).to_have_value("50.5", timeout=OPENED)
    threshold = page.get_by_role("slider", name="Answer at or above")
    expect(threshold).to_have_attribute("aria-valuetext", "50.5%")


def test_the_accuracy_of_a_run_reads_alike_on_evaluate_and_tune(page: Page, served: Scripted) -> None:
    [summary] = [it for it in served.workbench.store.runs.list() if it.run.id == RUN]
    accuracy = percent(summary.correct / (summary.correct + summary.incorrect))
    page.goto(f"{served.url}evaluate")
    row = page.get_by_role("row").filter(has_text=NAME)
    expect(row.get_by_text(accuracy, exact=True)).to_be_visible(timeout=OPENED)
    everything = Policy(name="everything", rules=(), answer_above=0, abstain_below=0)
    served.workbench.active.activate_policy(everything)
    page.goto(f"{served.url}tune?run={RUN}")
    outcome = page.get_by_role("region", name="Outcome")
    expect(outcome.locator(".cx-large").first).to_have_text(accuracy, timeout=OPENED)
    page.goto(f"{served.url}calibrate")
    expect(page.get_by_text(f"{accuracy} correct").first).to_be_visible(timeout=OPENED)
