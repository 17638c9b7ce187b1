"""The Label page: judged with one finger, and nothing that was typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browsing import OPENED, Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_run

ANSWERS = 12


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    scripted.reset()
    put_run(scripted.workbench.store, "run-1", name="mine", graded=ANSWERS)
    return scripted


def open_label(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}label")
    expect(page.get_by_role("heading", name="New queue")).to_be_visible(timeout=OPENED)


def start(page: Page, source: str, **fields: str) -> None:
    page.get_by_role("combobox", name="Answers").select_option(source)
    for name, value in fields.items():
        page.get_by_role("textbox", name=name, exact=True).fill(value)
    page.get_by_role("button", name="Start labelling").press("Enter")


def question(page: Page) -> Locator:
    """Of the answer that is to be judged."""
    return page.locator(".cx-judged h3")


def judge(page: Page, key: str, done: int) -> str:
    """Judge the answer that is shown, and wait for the next one; returns the question."""
    expect(question(page)).to_be_focused()
    asked = question(page).inner_text()
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(question(page)).not_to_have_text(asked)
    expect(page.get_by_role("region", name="Labelling")).to_contain_text(f"{done} of {ANSWERS} labelled")
    return asked


def test_a_run_is_labelled_with_the_keyboard_alone_to_its_end(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    work = page.get_by_role("region", name="Labelling")
    seen = [judge(page, "1" if n % 3 else "2", n) for n in range(1, ANSWERS)]
    judge(page, "3", ANSWERS)
    assert len(set(seen)) == ANSWERS - 1
    expect(question(page)).to_have_text("Nothing waits for you here")
    expect(work).to_contain_text(f"of all {ANSWERS} are correct")
    said = [label.verdict for label in served.workbench.store.labels.of_run("run-1")]
    assert [said.count(word) for word in ("correct", "incorrect", "partly")] == [8, 3, 1]
    work.get_by_role("link", name="Calibrate with it").click()
    expect(page.get_by_role("checkbox", name="mine")).to_be_checked(timeout=OPENED)


def test_confidence_and_grade_are_hidden_until_the_verdict(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    work = page.get_by_role("region", name="Labelling")
    expect(question(page)).to_be_focused()
    expect(work).not_to_contain_text("grader")
    expect(work).not_to_contain_text("confidence")
    judge(page, "1", 1)
    expect(work).to_contain_text("The last answer. You: correct; the grader:")


def test_a_label_is_changed_and_taken_back(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    labels = served.workbench.store.labels
    asked = judge(page, "1", 1)
    page.keyboard.press("Backspace")
    expect(question(page)).to_have_text(asked)
    expect(page.get_by_role("radio", name="correct 1", exact=True)).to_be_checked()
    judge(page, "2", 1)
    assert [label.verdict for label in labels.of_run("run-1")] == ["incorrect"]
    expect(question(page)).not_to_have_text(asked)
    page.keyboard.press("u")
    expect(question(page)).to_have_text(asked)
    assert labels.of_run("run-1") == []


def test_what_was_typed_survives_a_reload_and_enter_needs_a_verdict(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    page.get_by_role("textbox", name="Correct answer").fill("Canberra 1")
    page.get_by_role("textbox", name="Correct answer").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Choose a verdict first")
    asked = question(page).inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.reload()
    expect(question(page)).to_have_text(asked)
    expect(page.get_by_role("textbox", name="Correct answer")).to_have_value("Canberra 1")
    expect(page.get_by_role("radio", name="incorrect 2")).to_be_checked()
    judge(page, "4", 1)
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert (label.verdict, label.correction) == ("unclear", "Canberra 1")
    expect(page.get_by_role("textbox", name="Correct answer")).to_have_value("")


def test_two_labellers_in_two_tabs_get_different_answers(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run", **{"Your name": "Ada"})
    expect(question(page)).to_be_focused()
    other = page.context.new_page()
    other.goto(page.url)
    expect(question(other)).to_have_text(question(page).inner_text())  # the same person
    other.evaluate("localStorage.setItem('codex.labeller', 'Bob')")
    other.reload()
    expect(question(other)).not_to_have_text(question(page).inner_text())
    expect(other.get_by_role("region", name="Labelling")).to_contain_text("Bob")


def test_a_deferred_question_is_labelled_and_ask_shows_it(page: Page, served: Scripted) -> None:
    served.workbench.store.privacy = "full"
    open_page(page, served.url)
    ask(page, "What is the capital of Australia?")
    open_label(page, served)
    start(page, "asked")
    expect(question(page)).to_have_text("What is the capital of Australia?")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Labelling")).to_contain_text("You: incorrect; Codex:")
    trace = served.workbench.store.counted_labels()[0].trace_id
    page.goto(f"{served.url}?trace={trace}")
    expect(page.get_by_role("button", name="Mark as incorrect")).to_have_attribute("aria-pressed", "true")


def test_an_empty_queue_says_why_and_back_closes_one(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "deferred")
    expect(page.get_by_role("alert")).to_contain_text("No question was deferred yet.")
    start(page, "run")
    expect(question(page)).to_be_focused()
    page.go_back()
    queues = page.get_by_role("region", name="Queues")
    expect(queues.get_by_role("row").filter(has_text="the run mine")).to_contain_text(f"0 of {ANSWERS}")
    queues.get_by_role("button", name="Delete run").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(queues).to_be_hidden()
