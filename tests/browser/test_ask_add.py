"""An answer's question into a dataset, in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from codex.datasets.importing import delete
from codex.datasets.library import datasets, load
from tests.support.browsing import Scripted, ask, open_page

QUESTION = "What is the capital of Australia?"


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    yield scripted
    home = scripted.workbench.settings.home
    for each in datasets(home):
        if each.kind == "imported":
            delete(each.name, home)


def test_a_question_is_added_to_a_new_dataset_by_keyboard_and_not_doubled(
    page: Page, served: Scripted
) -> None:
    open_page(page, served.url)
    ask(page, QUESTION)
    open_it = page.get_by_role("button", name="Add to a dataset")
    open_it.press("Enter")
    dataset = page.get_by_role("combobox", name="Dataset, one of yours or a new name")
    expect(dataset).to_be_focused()
    expect(dataset).to_have_value("")
    page.keyboard.type("capitals")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Accepted answers")).to_be_focused()
    page.keyboard.type("Canberra")
    page.keyboard.press("Enter")
    page.keyboard.type("Canberra, ACT")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answer = page.get_by_role("region", name="Answer", exact=True)
    expect(answer.get_by_role("alert")).to_contain_text("ships with Codex and cannot be changed")
    dataset.fill("mine")
    dataset.press("Enter")
    expect(answer).to_contain_text("Added to mine, which asks 1 question.")
    expect(open_it).to_be_focused()
    home = served.workbench.settings.home
    assert [(it.question, it.answers) for it in load("mine", home)] == [
        (QUESTION, ("Canberra", "Canberra, ACT"))
    ]
    open_it.click()
    expect(page.locator("#cx-own-datasets option[value=mine]")).to_have_count(1)
    dataset.fill("mine")
    page.get_by_role("textbox", name="Accepted answers").fill("Sydney")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(answer.get_by_role("alert")).to_contain_text("asks this question already; it accepts Canberra")
    page.keyboard.press("Escape")
    expect(dataset).to_have_count(0)
    expect(open_it).to_be_focused()
