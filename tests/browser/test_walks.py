"""What a presenter and an analyst do first, with the real model and its calibrator as they ship."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from codex.ask.workbench import Workbench
from codex.datasets.library import load
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.evaluation.example import load_example
from codex.grading.grades import grade
from tests.browser.documents import done, open_documents
from tests.browser.library import answer, evidence
from tests.support.browsing import Served, open_page, serving
from tests.support.reliable import CHANCE, trust

ANSWERED = 300_000
"""Milliseconds in which an answer with its samples is there on a busy machine."""
TYPED = 7
"""Questions of the newcomers' set that the presenter types beside the three to click."""
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
    workbench = Workbench.open([f"home={home}", "engine=llama_cpp", "engine.threads=2"])
    trust(home, workbench.engine.fingerprint, judge=CHANCE, verifier=CHANCE)
    load_example(workbench.store, workbench.engine.fingerprint)
    workbench.load()
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
