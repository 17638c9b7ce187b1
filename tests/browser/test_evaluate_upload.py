"""A file of questions in the browser: chosen, its columns said, previewed, imported and asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from codex.datasets.importing import delete
from codex.datasets.library import datasets, load
from codex.private import PARTIAL
from tests.support.browsing import OPENED, Scripted
from tests.support.serving import eventually

GONE = 20
"""Seconds in which a discarded file is surely deleted."""
HOSTILE = "<img src=x onerror=window.hacked=1>${window.hacked=1}{{value}}"
ROWS = f"Frage;Antwort;Nummer\nWer?;Anna;1\n{HOSTILE};12;2\nWo?;;3\nWann?;1969;4\nWas?;das;5\nWie?;so;6\n"


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    yield scripted
    home = scripted.workbench.settings.home
    for each in datasets(home):
        if each.kind == "imported":
            delete(each.name, home)


def choose(page: Page, served: Scripted, file: Path, content: str = ROWS) -> Locator:
    """Choose a file by the keyboard alone."""
    file.write_text(content)
    # Set before the page is there: only some moment later does Chromium ask the listener instead of a person.
    page.once("filechooser", lambda chooser: chooser.set_files(file))
    page.goto(f"{served.url}evaluate")
    expect(page.get_by_role("combobox", name="Dataset")).to_contain_text("capitals", timeout=OPENED)
    page.get_by_role("combobox", name="Dataset").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Upload…")).to_be_focused()
    page.keyboard.press("Enter")
    return page.get_by_role("region", name="Upload a dataset")


def test_a_file_is_uploaded_its_columns_said_and_its_questions_asked_by_keyboard(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    panel = choose(page, served, tmp_path / "Meine Fragen.csv")
    expect(panel.get_by_role("heading", name="Upload Meine Fragen.csv")).to_be_focused()
    expect(panel).to_contain_text("No column holds the question")
    expect(panel.get_by_role("button", name="Import")).to_be_disabled()
    page.keyboard.press("Tab")
    expect(panel.get_by_role("textbox", name="Dataset name")).to_be_focused()
    page.keyboard.type("capitals")
    page.keyboard.press("Tab")
    expect(panel).to_contain_text("ships with Codex")
    panel.get_by_role("textbox", name="Dataset name").fill("fragen")
    panel.get_by_role("combobox", name="Question", exact=True).focus()
    page.keyboard.type("Frage")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("combobox", name="Accepted answers")).to_be_focused()
    page.keyboard.type("Antwort")
    first = panel.get_by_role("table", name="First questions")
    expect(first.get_by_role("row")).to_have_count(6)
    expect(first).to_contain_text(HOSTILE)
    expect(panel).to_contain_text("5 questions · graded as short 3, numeric 2")
    expect(panel.get_by_role("table", name="Rejected rows")).to_contain_text("it has no answer")
    panel.get_by_role("combobox", name="Graded by").select_option("exact")
    expect(panel).to_contain_text("graded as exact 5")
    panel.get_by_role("combobox", name="Id").select_option("Nummer")
    expect(first).to_contain_text("exact")
    expect(panel.get_by_role("button", name="Import")).to_be_enabled()
    panel.get_by_role("button", name="Import").press("Enter")
    sets = page.get_by_role("combobox", name="Dataset", exact=True)
    expect(sets).to_be_focused()
    expect(sets).to_have_value("fragen")
    expect(page.get_by_text("Imported 5 questions; 1 row rejected")).to_be_visible()
    expect(panel).to_have_count(0)
    kept = load("fragen", served.workbench.settings.home)
    assert [(item.id, item.grader) for item in kept][:2] == [("1", "exact"), ("2", "exact")]
    assert page.evaluate("window.hacked") is None


def test_a_file_that_cannot_be_used_is_refused_and_a_cancelled_one_is_gone(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    panel = choose(page, served, tmp_path / "questions.xlsx", "PK")
    expect(panel.get_by_role("alert")).to_contain_text("questions.xlsx is not read; Codex reads csv, tsv")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)
    panel = choose(page, served, tmp_path / "mine.csv")
    expect(panel.get_by_role("heading", name="Upload mine.csv")).to_be_focused()
    panel.get_by_role("button", name="Cancel").press("Enter")
    expect(panel).to_have_count(0)
    expect(page.get_by_role("button", name="Upload…")).to_be_focused()
    home = served.workbench.settings.home
    assert eventually(lambda: not (home / PARTIAL / "datasets").exists(), GONE)
