"""The whole idea in one walk by keyboard: ask, label, recalibrate, answer for the model, read it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsing import FITTED, OPENED, Scripted, ask, forget_all, open_page, tab_to
from tests.support.evaluated import put_run
from tests.support.scripted import Script

QUESTION = "What is the capital of Australia?"
AGAIN = "What's Australia's capital?"
UNSURE = Script(["Perhaps", " Sydney"], [0.5, 0.35], samples=["Perhaps Sydney", "Canberra", "Perhaps Sydney"])
LABELS = 30
"""As few as make a calibrator."""


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    scripted.reset()
    scripted.scripts[""] = UNSURE
    scripted.workbench.store.privacy = "full"
    settings = scripted.workbench.settings.ask
    put_run(
        scripted.workbench.store,
        "run-1",
        name="capitals",
        graded=LABELS + 4,
        model=scripted.workbench.model.engine.fingerprint,
        n_samples=settings.n_samples,
    )
    yield scripted
    forget_all(scripted)
    scripted.reset()


@pytest.fixture
def another(browser: Browser) -> Iterator[Page]:
    """The page of somebody else, in a browser of their own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def go(page: Page, name: str) -> None:
    """To another page, by the bar on top."""
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True)
    link.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title(f"{name} · Codex", timeout=OPENED)


def choose(page: Page, control: Locator, letter: str) -> None:
    """In a list, by its first letter."""
    tab_to(page, control)
    page.keyboard.press(letter)


def press(page: Page, button: Locator) -> None:
    tab_to(page, button)
    page.keyboard.press("Enter")


def test_from_a_deferred_question_to_the_next_persons_answer(
    page: Page, another: Page, served: Scripted
) -> None:
    open_page(page, served.url)
    ask(page, QUESTION)
    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text("ask a person")
    status = page.locator(".cx-status")
    expect(status).to_contain_text("not calibrated")
    before = served.workbench.store.sessions.list()[0]

    # Label a run's answers until they are enough to recalibrate with.
    go(page, "Label")
    expect(page.get_by_role("heading", name="New queue")).to_be_visible(timeout=OPENED)
    source = page.get_by_role("combobox", name="Answers")
    choose(page, source, "t")
    expect(source).to_have_value("run")
    order = page.get_by_role("combobox", name="Order")
    choose(page, order, "r")
    expect(order).to_have_value("random")
    press(page, page.get_by_role("button", name="Start labelling"))
    question = page.locator(".cx-judged h3")
    for done in range(1, LABELS + 1):
        expect(question).to_be_focused()
        asked = question.inner_text()
        page.keyboard.press("1" if done % 3 else "2")
        page.keyboard.press("Enter")
        expect(question).not_to_have_text(asked)
    assert len(served.workbench.store.labels.of_run("run-1")) == LABELS
    expect(page.get_by_text("enough labels to recalibrate")).to_be_visible()

    more = page.locator(".cx-standing")
    press(page, more.get_by_text("Progress and recalibration"))
    press(page, more.get_by_role("button", name="Recalibrate with these labels"))
    expect(more.get_by_role("row").filter(has_text="Brier")).to_be_visible(timeout=FITTED)
    expect(more).to_contain_text(f"Fitted on all {LABELS} labels, so that none is left to prove a guarantee")
    press(page, more.get_by_role("button", name="Activate"))
    expect(more).to_contain_text("is active.")

    # Ask changes: what it shows is calibrated now.
    go(page, "Ask")
    ask(page, "What is the capital of Brazil?")
    expect(page.locator(".cx-status")).not_to_contain_text("not calibrated")
    expect(decision).to_contain_text("likely correct")

    # Answer the first question, and have it given to the next person.
    go(page, "Label")
    waiting = page.get_by_role("region", name="Waiting for a person")
    row = waiting.get_by_role("listitem").or_(waiting.get_by_role("row")).filter(has_text=QUESTION).last
    press(page, row.get_by_role("button", name="Answer"))
    page.locator("[name=answer]").fill("Canberra")
    page.locator(".cx-answers [name=author]").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="People's answers")).to_contain_text("Canberra")
    open_page(another, served.url)
    ask(another, AGAIN)
    expect(another.locator(".cx-person")).to_contain_text("Canberra")
    expect(another.locator(".cx-person")).to_contain_text("Answered by Ada on")

    # Read it all back.
    go(page, "Sessions")
    listed = page.get_by_role("table").first
    for text in (QUESTION, "What is the capital of Brazil?", AGAIN):
        expect(listed).to_contain_text(text, timeout=OPENED)
    link = listed.get_by_role("link", name=AGAIN)
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.locator(".cx-person")).to_contain_text("Answered by Ada on", timeout=OPENED)
    assert before.id in {session.id for session in served.workbench.store.sessions.list()}

    # And show somebody the idea.
    go(page, "Demo")
    cards = page.get_by_role("group", name="Questions").get_by_role("button")
    expect(cards).to_have_count(4, timeout=OPENED)
    press(page, cards.first)
    stage = page.get_by_role("region", name="What happens")
    press(page, stage.get_by_role("button", name="Skip to the end"))
    expect(stage).to_contain_text("Confident enough: the answer is given.")
