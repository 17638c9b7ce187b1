"""What a newcomer does: bring a folder, ask about it, and take it away again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.documents import done, forget_all, open_documents, row
from tests.browser.library import DOCUMENTS, FOUND, QUESTION, SPREAD, answer, evidence
from tests.support.browsing import Scripted, ask, open_page


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    """Codex without documents, whose model knows the keeper only from the passages."""
    forget_all(scripted)
    scripted.scripts |= {"Its keeper was Ada Brook": FOUND, "lighthouse": SPREAD}
    scripted.engine.judgement = lambda prompt: 0.9 if "Ada Brook" in prompt else 0.1
    yield scripted
    forget_all(scripted)


def test_a_folder_changes_answer_words_and_decision_and_so_does_its_removal(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    folder = tmp_path / "places"
    folder.mkdir()
    for name in ("towers.txt", "rivers.txt"):
        (folder / name).write_text(DOCUMENTS[name])
    badge = page.get_by_role("region", name="Decision").locator(".cx-badge.large")

    open_page(page, served.url)
    ask(page, QUESTION)
    expect(answer(page)).to_contain_text("Tom")
    expect(badge).to_have_text("defer: ask a person")

    evidence(page).get_by_role("link", name="Add documents").click()
    page.locator("input[webkitdirectory]").set_input_files(folder)
    done(page, "2 documents")

    page.get_by_role("link", name="Ask", exact=True).click()
    expect(page.get_by_label("only if unsure")).to_be_checked()
    ask(page, QUESTION)
    expect(answer(page)).to_contain_text("Ada")
    expect(badge).to_have_text("answer")
    expect(page.get_by_role("region", name="Decision")).to_contain_text(
        re.compile("unsure.*retrieved 2 passages.*1 of 1 sentence supported.*answer")
    )
    expect(evidence(page).locator(".cx-quote mark")).to_have_text("Its keeper was Ada Brook.")

    open_documents(page, served)
    expect(row(page, "towers.txt")).to_contain_text("indexed")
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Remove 2 selected").click()
    page.get_by_role("alertdialog", name="Remove documents").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="your own documents")).to_be_visible()

    page.get_by_role("link", name="Ask", exact=True).click()
    ask(page, QUESTION)
    expect(badge).to_have_text("defer: ask a person")
    expect(answer(page)).to_contain_text("Tom")
    expect(evidence(page)).to_contain_text("There are no documents")
