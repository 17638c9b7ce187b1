"""The browser's Back closes what was opened, on every page, and Forward opens it again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import documents
from tests.browser.documents import BEES, FISH, indexed, open_documents
from tests.support.browsing import OPENED, Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_calibrator, put_run
from tests.support.kept_run import keep_run


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    documents.forget_all(scripted)
    yield scripted
    forget_all(scripted)
    documents.forget_all(scripted)


def test_back_leads_from_session_to_session_and_to_the_empty_page(page: Page, scripted: Scripted) -> None:
    scripted.workbench.store.privacy = "full"
    open_page(page, scripted.url)
    ask(page, "The first one?")
    page.get_by_role("button", name="New").click()
    ask(page, "The second one?")
    page.get_by_role("link", name="The first one?").click()
    expect(page.get_by_role("heading", name="The first one?")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="The second one?")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Ask a model that tells you")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="The first one?")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Ask a model that tells you")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="The second one?")).to_be_visible()


def test_back_leads_from_one_answer_of_a_session_to_the_one_before(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, "The first one?")
    ask(page, "The second one?")
    page.locator(".cx-asked button").first.click()
    expect(page.get_by_role("heading", name="The first one?")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="The second one?")).to_be_visible()


def test_back_to_a_session_that_was_deleted_says_so_and_keeps_what_is_typed(
    page: Page, scripted: Scripted
) -> None:
    scripted.workbench.store.privacy = "full"
    open_page(page, scripted.url)
    ask(page, "The first one?")
    page.get_by_role("button", name="New").click()
    page.get_by_role("textbox", name="Question").fill("half a question")
    (session,) = scripted.workbench.store.sessions.list()
    scripted.workbench.traces.forget_session(session.id)
    page.go_back()
    expect(page.get_by_role("alert").filter(has_text="No session")).to_be_visible()
    expect(page.get_by_role("textbox", name="Question")).to_have_value("half a question")


def test_back_leads_to_the_run_that_was_tuned_on_before(page: Page, served: Scripted) -> None:
    for run_id, n in (("r1", 60), ("r2", 40)):
        keep_run(served.workbench.store, run_id, run_id, n)
    page.goto(f"{served.url}tune?run=r1")
    run = page.get_by_role("region", name="Run")
    expect(run).to_contain_text("60 graded answers", timeout=OPENED)
    run.get_by_role("combobox", name="Run").select_option("r2")
    expect(run).to_contain_text("40 graded answers")
    page.go_back()
    expect(run).to_contain_text("60 graded answers")
    expect(page).to_have_url(re.compile("run=r1$"))
    page.go_forward()
    expect(run).to_contain_text("40 graded answers")


def test_back_leads_to_the_calibrator_that_was_shown_before(page: Page, served: Scripted) -> None:
    run = put_run(served.workbench.store, graded=300)
    for name in ("one", "two"):
        put_calibrator(served.workbench.store, run, name)
    page.goto(f"{served.url}calibrate")
    card = page.get_by_role("region", name="Calibrator", exact=True)
    saved = page.get_by_role("complementary", name="Calibrators")
    expect(card).to_contain_text("@", timeout=OPENED)
    for name in ("one", "two"):
        saved.get_by_role("button", name=name).first.click()
        expect(card.get_by_role("heading").first).to_contain_text(name)
    page.go_back()
    expect(card.get_by_role("heading").first).to_contain_text("one")


def test_back_closes_a_question_and_then_its_run(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=12)
    page.goto(f"{served.url}evaluate")
    page.get_by_role("link", name="capitals, as they are").click()
    links = page.get_by_role("region", name="Questions").get_by_role("link")
    reader = page.get_by_role("complementary", name="Question")
    links.first.click()
    expect(reader.get_by_role("option").first).to_be_visible()
    reader.get_by_role("button", name="Next question").click()
    expect(page).to_have_url(re.compile("question=q1$"))
    page.go_back()
    expect(reader).to_be_hidden()
    expect(links.first).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Leaderboard")).to_be_visible()
    page.go_forward()
    expect(links.first).to_be_visible()
    page.go_forward()
    expect(reader.get_by_role("option").first).to_be_visible()


def test_back_closes_a_document_and_then_the_search(page: Page, served: Scripted, tmp_path: Path) -> None:
    indexed(served, tmp_path, {"bees.txt": BEES, "fish.txt": FISH})
    open_documents(page, served)
    box = page.get_by_role("searchbox", name="Search the documents")
    box.fill("herring")
    box.press("Enter")
    found = page.get_by_role("region", name="Passages found")
    found.get_by_role("link", name="fish.txt").click()
    text = page.get_by_role("region", name="Text")
    expect(text).to_contain_text("herring")
    page.go_back()
    expect(text).to_be_hidden()
    expect(found).to_be_visible()
    page.go_back()
    expect(found).to_be_hidden()
    expect(page.get_by_role("region", name="Documents", exact=True)).to_be_visible()
    page.go_forward()
    expect(found.get_by_role("link", name="fish.txt")).to_be_visible()
    page.go_forward()
    expect(text).to_contain_text("herring")
