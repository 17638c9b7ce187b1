"""The Demo page: recordings play at once and say what they are, live is live, the dial moves decisions."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsing import ANSWERED, OPENED, Scripted, tab_to
from tests.support.scripted import Script

MONGOLIA = "What is the capital of Mongolia?"
GOLD = "What is the chemical symbol for gold?"
GIVEN = "Confident enough: the answer is given."
WHEEL = "Who invented the wheel?"


def open_demo(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}demo")
    expect(page.get_by_role("group", name="Questions").get_by_role("button")).to_have_count(4, timeout=OPENED)


def play(page: Page, question: str) -> Locator:
    """Click a question; returns what happens with it."""
    page.get_by_role("group", name="Questions").get_by_role("button", name=question).click()
    stage = page.get_by_role("region", name="What happens")
    expect(stage.get_by_role("heading", name=question)).to_be_visible()
    return stage


def answer(stage: Locator) -> Locator:
    return stage.get_by_role("listbox", name="Answer, token by token", exact=True)


def skip(stage: Locator) -> None:
    stage.get_by_role("button", name="Skip to the end").click()


def dial(page: Page) -> Locator:
    return page.get_by_role("slider", name="Of the answers given")


def fate(page: Page, question: str) -> Locator:
    """What becomes of a question where the dial stands."""
    return page.get_by_role("table", name="The four questions").get_by_role("row", name=question)


def test_a_recording_plays_step_by_step_to_its_end_and_says_that_it_is_one(
    page: Page, scripted: Scripted
) -> None:
    open_demo(page, scripted)
    before = len(scripted.engine.decodes)
    stage = play(page, MONGOLIA)
    expect(stage.get_by_text("recording", exact=True)).to_be_visible()
    expect(page.get_by_text("Recorded with llama_cpp:smollm2-135m-instruct")).to_be_visible()
    # It plays to its end by itself, one step under the other.
    expect(answer(stage)).to_contain_text("istan")
    expect(stage.get_by_role("heading", name="Unsure: it searches the documents")).to_be_visible()
    expect(stage.get_by_text("Mongolia.txt")).to_be_visible()
    again = stage.get_by_role("listbox", name="The second answer, token by token")
    expect(again).to_contain_text("atar", timeout=ANSWERED)
    expect(stage.locator(".cx-strong").filter(has_text=GIVEN)).to_be_visible(timeout=ANSWERED)
    expect(stage.get_by_text("Correct, because of the document.")).to_be_visible()
    card = page.get_by_role("group", name="Questions").get_by_role("button", name=MONGOLIA)
    expect(card).to_contain_text("answer")
    assert len(scripted.engine.decodes) == before  # no model ran


@pytest.mark.parametrize(
    ("question", "decision"),
    [(GOLD, "answer"), ("What will the weather be in Paris", "abstain"), (WHEEL, "defer: ask a person")],
)
def test_each_question_comes_to_its_decision(
    page: Page, scripted: Scripted, question: str, decision: str
) -> None:
    open_demo(page, scripted)
    stage = play(page, question)
    skip(stage)
    expect(stage.locator(".cx-badge.large")).to_have_text(decision)
    expect(stage.get_by_role("button", name="Play again")).to_be_visible()


def test_live_asks_the_model_and_saves_nothing(page: Page, scripted: Scripted) -> None:
    said = Script(["The", " symbol", " is", " Au", "."], samples=["The symbol is Au."])
    scripted.scripts["chemical symbol"] = said
    open_demo(page, scripted)
    page.get_by_role("radio", name="Live").check(force=True)
    expect(page.get_by_text("Nothing of it is saved.")).to_be_visible()
    stage = play(page, GOLD)
    expect(stage.get_by_text("live", exact=True)).to_be_visible()
    expect(stage.locator(".cx-strong").filter(has_text=GIVEN)).to_be_visible(timeout=ANSWERED)
    expect(answer(stage)).to_contain_text("Au")
    expect(page.get_by_text(scripted.workbench.model.status.model, exact=False).first).to_be_visible()
    expect(stage.get_by_text("The model hardly considered")).to_have_count(0)  # that is of the recording
    assert scripted.workbench.store.sessions.list() == []


def test_live_stops_when_it_is_switched_off(page: Page, scripted: Scripted) -> None:
    open_demo(page, scripted)
    page.get_by_role("radio", name="Live").check(force=True)
    scripted.engine.delay = 0.2  # a model that is slow enough to be stopped
    play(page, GOLD)
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_be_visible(timeout=ANSWERED)
    page.get_by_role("radio", name="Recordings").check(force=True)
    expect(page.get_by_role("region", name="What happens")).to_have_count(0)
    scripted.reset()  # which waits until nothing is under way
    assert scripted.workbench.store.sessions.list() == []


def test_a_live_failure_is_said_and_a_recording_still_plays(page: Page, scripted: Scripted) -> None:
    open_demo(page, scripted)
    page.get_by_role("radio", name="Live").check(force=True)
    scripted.engine.failure = RuntimeError("out of memory")
    stage = play(page, GOLD)
    expect(stage.get_by_role("alert")).to_contain_text("Something went wrong", timeout=ANSWERED)
    page.get_by_role("radio", name="Recordings").check(force=True)
    stage = play(page, GOLD)
    skip(stage)
    expect(stage.locator(".cx-badge.large")).to_have_text("answer")


def test_the_dial_moves_the_decisions_by_the_keyboard(page: Page, scripted: Scripted) -> None:
    open_demo(page, scripted)
    slider = dial(page)
    expect(slider).to_have_attribute("aria-valuetext", "20%", timeout=OPENED)
    expect(fate(page, WHEEL)).to_contain_text("defer")
    answered = page.get_by_role("img", name=re.compile("^Of 238 questions: "))
    before = answered.get_attribute("aria-label")
    tab_to(page, slider)
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "60%")
    expect(fate(page, WHEEL)).to_contain_text("answer")
    expect(fate(page, "weather")).to_contain_text("abstain")
    expect(page.get_by_text("Guaranteed at the 95% confidence level")).to_be_visible()
    assert answered.get_attribute("aria-label") != before
    page.keyboard.press("Home")
    expect(fate(page, WHEEL)).to_contain_text("defer")
    expect(fate(page, MONGOLIA)).to_contain_text("defer")


def test_the_reliability_diagram_stands_at_the_end(page: Page, scripted: Scripted) -> None:
    open_demo(page, scripted)
    figure = page.get_by_role("figure", name="Confidence and correct answers")
    expect(figure.locator("svg").first).to_be_visible(timeout=OPENED)


def test_who_wants_no_motion_sees_all_at_once(browser: Browser, scripted: Scripted) -> None:
    page = browser.new_page(reduced_motion="reduce")
    open_demo(page, scripted)
    stage = play(page, MONGOLIA)
    expect(stage.get_by_role("button", name="Play again")).to_be_visible()
    assert stage.locator(".cx-act").first.evaluate("act => getComputedStyle(act).animationName") == "none"
    page.close()
