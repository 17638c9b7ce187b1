"""Follow-ups on the Ask page, by the keyboard alone: asked, reloaded, left and come back to."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.browsing import Scripted, ask, open_page, tab_to
from tests.support.scripted import Script


def strip(page: Page) -> Locator:
    return page.locator("#cx-follows")


def turns(page: Page) -> Locator:
    return page.get_by_role("region", name="Earlier turns").get_by_role("listitem")


def press(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    tab_to(page, button)
    page.keyboard.press("Enter")


def test_a_conversation_by_the_keyboard_survives_reload_and_back(
    context: BrowserContext, scripted: Scripted
) -> None:
    page = context.new_page()
    open_page(page, scripted.url)
    ask(page, "One?")
    expect(strip(page)).to_have_count(0)
    press(page, "Follow up")
    box = page.get_by_role("textbox", name="Question")
    expect(box).to_be_focused()
    expect(strip(page)).to_contain_text("after 1 earlier turn")

    ask(page, "Two?")
    expect(turns(page)).to_have_count(1)
    expect(turns(page)).to_contain_text(re.compile("One?.*The capital is Canberra", re.DOTALL))
    expect(strip(page)).to_contain_text("after 2 earlier turns")
    assert "<user>One?</user>" in scripted.engine.decodes[-1]

    # Another tab asks something else in the same session: this one is not led into it.
    other = context.new_page()
    open_page(other, scripted.url)
    ask(other, "Elsewhere?")
    assert "One?" not in scripted.engine.decodes[-1]
    other.close()

    page.reload()
    expect(page.get_by_role("heading", name="Two?")).to_be_visible()
    expect(strip(page)).to_contain_text("after 2 earlier turns")
    page.go_back()
    expect(page.get_by_role("heading", name="One?")).to_be_visible()
    expect(strip(page)).to_contain_text("after 1 earlier turn")
    page.go_back()
    expect(strip(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="One?")).to_be_visible()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("heading", name="Two?")).to_be_visible()

    ask(page, "Three?")
    expect(turns(page)).to_have_count(2)
    press(page, "New question")
    expect(strip(page)).to_have_count(0)
    expect(turns(page)).to_have_count(0)
    ask(page, "Four?")
    assert "Three?" not in scripted.engine.decodes[-1]


def test_a_follow_up_typed_while_an_answer_is_under_way_is_asked_after_it(
    browser: Browser, scripted: Scripted
) -> None:
    # In a context of its own: Gradio tells the console of each stream that a reload aborts.
    page = browser.new_page()
    open_page(page, scripted.url)
    ask(page, "One?")
    press(page, "Follow up")
    scripted.go_on.clear()
    box = page.get_by_role("textbox", name="Question")
    box.fill("Two?")
    box.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    box.fill("Three?")
    box.press("Enter")
    page.reload()
    expect(turns(page)).to_have_count(1)
    scripted.go_on.set()
    expect(strip(page)).to_contain_text("after 2 earlier turns")
    expect(box).to_have_value("Three?")
    box.press("Enter")
    expect(turns(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    assert "<user>Two?</user><assistant>" in scripted.engine.decodes[-1]
    page.close()


def test_a_withheld_answer_is_followed_up_by_the_question_back(
    context: BrowserContext, scripted: Scripted
) -> None:
    scripted.scripts["Hard?"] = Script(["Perth", " is", " it"], [0.1, 0.9, 0.9], samples=["Perth", "Sydney"])
    page = context.new_page()
    open_page(page, scripted.url)
    ask(page, "Hard?")
    press(page, "Follow up")
    scripted.scripts.clear()
    ask(page, "Easy?")
    expect(turns(page)).to_contain_text("I am not sure enough to answer")
    expect(turns(page)).not_to_contain_text("Perth is it")
    assert "Perth is it" not in scripted.engine.decodes[-1]
