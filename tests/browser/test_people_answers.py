"""A person answers what Codex did not, and whoever asks it again gets that answer, with name and date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.ask.explaining import day
from tests.browser.axe import require_axe, violations
from tests.support.browsing import OPENED, Scripted, ask, forget_all, open_page
from tests.support.scripted import Script

QUESTION = "What is the capital of Australia?"
UNSURE = Script(["Perhaps", " Sydney"], [0.5, 0.35], samples=["Perhaps Sydney", "Canberra"])


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    scripted.reset()
    scripted.scripts[""] = UNSURE
    scripted.workbench.store.privacy = "full"
    return scripted


@pytest.fixture
def another(browser: Browser) -> Iterator[Page]:
    """The page of somebody else, in a browser of their own."""
    context = browser.new_context(viewport={"width": 800, "height": 900})
    yield context.new_page()
    context.close()


def open_label(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}label")
    expect(page.get_by_role("heading", name="Answer a question")).to_be_visible(timeout=OPENED)


def answers(page: Page) -> Locator:
    return page.get_by_role("region", name="People's answers")


def write(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.locator(f".cx-answers [name={name}]").fill(text)


def by(page: Page) -> Locator:
    """The person's answer on the Ask page."""
    return page.locator(".cx-person")


def test_a_deferred_question_is_answered_for_everybody_until_it_is_withdrawn(
    page: Page, another: Page, served: Scripted
) -> None:
    open_page(page, served.url)
    ask(page, QUESTION)
    expect(page.locator(".cx-reason")).to_contain_text(
        "samples said Perhaps Sydney; the weakest word had 0.35;"
    )
    page.get_by_role("link", name="Answer it yourself").click()
    expect(page.get_by_role("textbox", name="Question", exact=True)).to_have_value(QUESTION, timeout=OPENED)
    write(page, answer="Canberra", author="Ada", source="an atlas")
    page.get_by_role("button", name="Keep the answer").press("Enter")
    row = answers(page).get_by_role("row").filter(has_text="Canberra")
    expect(row).to_contain_text("given")

    open_page(another, served.url)
    ask(another, "whats Australia's capital city")
    [kept] = served.workbench.store.people.list()
    expect(by(another)).to_contain_text(
        f"Answered by Ada on {day(kept.made_at)}, to the question in other words"
    )
    expect(by(another)).to_contain_text("Canberra")
    expect(by(another)).to_contain_text("an atlas")
    expect(another.get_by_role("region", name="Answer", exact=True)).to_contain_text(
        "The model's own answer:"
    )
    expect(another.locator(".cx-tok").first).to_contain_text("Perhaps")
    require_axe()
    assert violations(another, ["a person's answer"]) == []
    ask(another, "What is the capital of Austria?")
    expect(by(another)).to_have_count(0)

    row.get_by_role("button", name="Withdraw").press("Enter")
    expect(row).to_contain_text("withdrawn")
    ask(another, "what is Australia's capital")
    expect(by(another)).to_have_count(0)
    expect(another.get_by_role("link", name="Answer it yourself")).to_be_visible()


def test_what_waits_is_answered_edited_and_deleted_with_the_keyboard(page: Page, served: Scripted) -> None:
    served.workbench.answer(QUESTION)
    open_label(page, served)
    waiting = page.get_by_role("region", name="Waiting for a person")
    expect(waiting).to_contain_text("the model: Perhaps Sydney")
    waiting.get_by_role("button", name="Answer").press("Enter")
    expect(page.locator("[name=answer]")).to_be_focused()
    write(page, answer="Sydney", author="Ada")
    page.locator(".cx-answers [name=source]").press("Enter")
    expect(waiting).to_have_count(0)
    expect(page.get_by_role("button", name="Edit the answer")).to_be_focused()

    page.keyboard.press("Enter")
    write(page, answer="Canberra", expires="2999-01-31")
    page.get_by_role("button", name="Save").press("Enter")
    expect(answers(page)).to_contain_text("until 2999-01-31")
    [kept] = served.workbench.store.people.list()
    assert (kept.answer, kept.question) == ("Canberra", QUESTION)
    assert kept.edited_at
    answers(page).get_by_role("button", name=re.compile("^Delete")).press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(answers(page)).to_have_count(0)
    assert served.workbench.store.people.list() == []


def test_nothing_that_was_typed_is_lost_when_it_is_refused(page: Page, served: Scripted) -> None:
    open_label(page, served)
    write(page, question=QUESTION, answer="Canberra", author="Ada", expires="2001-01-31")
    page.get_by_role("button", name="Keep the answer").click()
    expect(page.get_by_role("alert")).to_contain_text("would expire at once")
    expect(page.locator(".cx-answers [name=answer]")).to_have_value("Canberra")
    write(page, expires="")
    page.get_by_role("button", name="Keep the answer").click()
    expect(answers(page)).to_contain_text("Canberra")


def test_where_a_question_was_not_saved_it_says_what_that_means(page: Page, served: Scripted) -> None:
    served.workbench.store.privacy = "hash"
    trace = served.workbench.answer(QUESTION)
    page.goto(f"{served.url}label?answer={trace.id}")
    expect(page.get_by_text("The question was not saved. Type it")).to_be_visible(timeout=OPENED)
    write(page, answer="Canberra", author="Ada")
    page.get_by_role("button", name="Keep the answer").click()
    expect(answers(page)).to_contain_text("the question was not saved")
    open_page(page, served.url)
    ask(page, QUESTION)
    expect(by(page)).to_contain_text("Canberra")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wide_and_narrow(
    browser: Browser, served: Scripted, theme: Literal["light", "dark"]
) -> None:
    require_axe()
    served.workbench.answer(QUESTION)
    served.workbench.people.put("Vienna", "Ada", question="What is the capital of Austria?", source="atlas")
    page = browser.new_page(color_scheme=theme)
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 900})
        open_label(page, served)
        expect(answers(page)).to_be_visible()
        assert violations(page, [f"{theme}, {width}"]) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_the_card_of_a_queue_leads_to_the_answer_of_its_question(page: Page, served: Scripted) -> None:
    served.workbench.answer(QUESTION)
    open_label(page, served)
    page.get_by_role("button", name="Start labelling").click()
    expect(page.locator(".cx-judged h3")).to_have_text(QUESTION)
    expect(page.get_by_role("heading", name="Answer a question")).to_be_hidden()
    page.get_by_role("link", name="Answer it yourself").click()
    expect(page.locator(".cx-answers [name=question]")).to_have_value(QUESTION, timeout=OPENED)
