"""What a presenter, an analyst and a labeller do first, with the model and the calibrator that ship."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from codex.ask.workbench import Workbench
from codex.datasets.library import load
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.evaluation.example import NAME, load_example
from codex.grading.grades import grade
from tests.browser.documents import done, open_documents
from tests.browser.library import answer, evidence
from tests.support.browsing import FITTED, Served, open_page, serving
from tests.support.reliable import CHANCE, trust

ANSWERED = 300_000
"""Milliseconds in which an answer with its samples is there on a busy machine."""
TYPED = 7
"""Questions of the newcomers' set that the presenter types beside the three to click."""
LABELLED = 3
"""Answers of the shipped run whose grade a labeller corrects."""
HANDBOOK = (
    "Notice periods. During probation the notice period is two weeks. After probation the notice period is "
    "three months to the end of a month.\n\nLeave. Every employee has thirty days of leave a year."
)


@pytest.fixture(scope="module")
def shipped(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Codex as it is a few minutes after its first start."""
    home, shelf = tmp_path_factory.mktemp("shipped"), Models(default_home())
    shelf.resolve(DEFAULT_MODEL)
    (home / "models").symlink_to(shelf.folder, target_is_directory=True)
    workbench = Workbench.open([f"home={home}", "engine=llama_cpp", "engine.threads=1"])
    trust(home, workbench.model.engine.fingerprint, judge=CHANCE, verifier=CHANCE)
    load_example(workbench.store, workbench.model.engine.fingerprint)
    workbench.model.load()
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


def answered(page: Page, question: str) -> tuple[str, str]:
    """Wait for the decision on a question; returns its word, and the answer."""
    expect(page.get_by_role("heading", name=question)).to_be_visible()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible(timeout=ANSWERED)
    badge = page.get_by_role("region", name="Decision").locator(".cx-badge.large")
    return badge.inner_text().lower(), answer(page).inner_text()


def test_of_a_presenters_ten_questions_no_incorrect_answer_is_given(page: Page, shipped: Served) -> None:
    newcomers = {item.question: item for item in load("newcomers", shipped.workbench.settings.home)}
    open_page(page, shipped.url)
    starters = page.locator(".cx-example")
    expect(starters).to_have_count(3)
    words = [starter.inner_text().split("\n") for starter in starters.all()]
    seen = {}
    for question, _ in words:
        open_page(page, shipped.url)
        page.get_by_role("button", name=question).click()
        seen[question] = answered(page, question)
    assert [(about, seen[question][0]) for question, about in words] == [
        ("The model knows this.", "answer"),
        ("The model does not know this, and Codex says so.", "abstain"),
        ("Only a document of yours can tell.", "abstain"),
    ]
    for question in list(newcomers)[:TYPED]:
        open_page(page, shipped.url)
        page.get_by_role("textbox", name="Question").fill(question)
        page.get_by_role("textbox", name="Question").press("Enter")
        seen[question] = answered(page, question)
    for question, (decision, text) in seen.items():
        if decision == "answer":
            assert grade(newcomers[question], text).correct, (question, text)


def test_an_analyst_asks_their_own_handbook_and_nothing_unproven_is_green(
    page: Page, shipped: Served, tmp_path: Path
) -> None:
    (tmp_path / "handbook.txt").write_text(HANDBOOK)
    open_documents(page, shipped)
    page.locator("input[type=file]").first.set_input_files(tmp_path / "handbook.txt")
    done(page, "1 document")
    open_page(page, shipped.url)
    page.get_by_text("always", exact=True).click()
    question = "What is the notice period after probation?"
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    answered(page, question)
    shown = evidence(page)
    expect(shown).to_contain_text("three months to the end of a month")
    expect(shown).to_contain_text("cannot judge evidence")
    expect(page.locator(".cx-badge", has_text="supported")).to_have_count(0)
    expect(page.get_by_text("supported", exact=True)).to_have_count(0)


def test_a_labellers_verdicts_are_kept_shown_and_exported(page: Page, shipped: Served) -> None:
    question = "Who wrote Romeo and Juliet?"
    open_page(page, shipped.url)
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    answered(page, question)
    live = page.get_by_role("button", name="Mark as incorrect")
    live.focus()
    page.keyboard.press("Enter")
    expect(live).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(live).to_have_attribute("aria-pressed", "true")
    trace = shipped.workbench.store.counted_labels()[0].trace_id
    exported = page.request.get(f"{shipped.url}labels/export").text().splitlines()
    assert [line["correct"] for line in map(json.loads, exported) if line["id"] == trace] == [False]

    page.goto(f"{shipped.url}evaluate")
    page.get_by_role("region", name="Leaderboard").get_by_role("link", name=NAME).click()
    questions = page.get_by_role("region", name="Questions")
    expect(questions.get_by_role("radio", name=re.compile("^incorrect"))).to_be_visible(timeout=FITTED)
    questions.get_by_text(re.compile("^incorrect")).first.click()
    expect(questions.get_by_role("link").first).to_be_visible()
    expect(questions.get_by_text("correct", exact=True)).to_have_count(0)
    judged = questions.get_by_role("link").all_inner_texts()[:LABELLED]
    for asked in judged:
        questions.get_by_role("link", name=asked, exact=True).click()
        reader = page.get_by_role("complementary", name="Question")
        expect(reader.get_by_role("heading", name=asked)).to_be_visible()
        reader.get_by_role("group", name="Your verdict").get_by_text("correct", exact=True).click()
        expect(reader).to_contain_text("correct · by a person grader: incorrect")
    run = page.get_by_role("region", name="Run", exact=True)
    expect(run).to_contain_text(f"{LABELLED} grades corrected by a person", timeout=FITTED)
    questions.get_by_text(re.compile("^by a person")).first.click()
    expect(questions.get_by_role("link")).to_have_count(LABELLED)
    (summary,) = (each for each in shipped.workbench.store.runs.list() if each.run.name == NAME)
    records = page.request.get(f"{shipped.url}evaluations/{summary.run.id}/records").text().splitlines()
    by_person = [line for line in map(json.loads, records) if line["by_person"]]
    assert {line["observation"]["question"] for line in by_person} == set(judged)
