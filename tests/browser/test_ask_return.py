"""An answer under way is answered to its end, wherever its page goes, and is there on return."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browsing import OPENED, PATIENCE, Scripted, ask, open_page
from tests.support.scripted import Script
from tests.support.serving import eventually

WORDS = 40


def begin(page: Page, scripted: Scripted, delay: float = 0.2) -> None:
    """Ask for an answer of WORDS words, and wait for its first one."""
    scripted.engine.delay = delay
    scripted.scripts["long"] = Script([f"word{n} " for n in range(WORDS)])
    open_page(page, scripted.url)
    page.get_by_role("textbox", name="Question").fill("A long one?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("option").first).to_be_visible()


def still_answering(page: Page) -> None:
    """The answer grows on this page."""
    expect(page.get_by_role("heading", name="A long one?")).to_be_visible(timeout=OPENED)
    expect(page.get_by_role("option").first).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def finished(page: Page, scripted: Scripted) -> None:
    """The whole answer stands on the page, decided and stored, and nothing waits in the box."""
    scripted.engine.delay = 0
    expect(page.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_be_visible()
    expect(page.get_by_role("option")).to_have_count(WORDS)
    expect(page.get_by_role("textbox", name="Question")).to_have_value("")
    assert len(scripted.workbench.store.sessions.list()) == 1
    assert len(scripted.engine.decodes) == 1


def test_a_reload_in_the_middle_loses_nothing(browser: Browser, scripted: Scripted) -> None:
    # In a context of its own, as the next ones: Gradio tells the console of each stream that it aborts.
    page = browser.new_page()
    begin(page, scripted)
    page.reload()
    still_answering(page)
    finished(page, scripted)
    page.close()


def test_who_leaves_for_another_page_finds_the_answer_growing_on_return(
    browser: Browser, scripted: Scripted
) -> None:
    page = browser.new_page()
    begin(page, scripted)
    pages = page.get_by_role("navigation", name="Pages")
    pages.get_by_role("link", name="Tune").click()
    expect(page).to_have_title("Tune · Codex")
    pages.get_by_role("link", name="Ask").click()
    still_answering(page)
    finished(page, scripted)
    page.close()


def test_a_reload_before_the_first_token_shows_the_question(browser: Browser, scripted: Scripted) -> None:
    page = browser.new_page()
    scripted.go_on.clear()
    open_page(page, scripted.url)
    page.get_by_role("textbox", name="Question").fill("What is it?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible(timeout=OPENED)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    scripted.go_on.set()
    expect(page.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_be_visible()
    page.close()


def test_an_answer_that_ended_meanwhile_is_opened_on_return(browser: Browser, scripted: Scripted) -> None:
    page = browser.new_page()
    begin(page, scripted)
    page.goto(f"{scripted.url}tune")
    scripted.engine.delay = 0
    assert eventually(lambda: len(scripted.workbench.store.sessions.list()) == 1, PATIENCE)
    open_page(page, scripted.url)
    finished(page, scripted)
    page.close()


def test_a_closed_tab_is_taken_up_by_the_next_one(browser: Browser, scripted: Scripted) -> None:
    context = browser.new_context()
    first = context.new_page()
    begin(first, scripted)
    with first.expect_event("close"):
        first.close(run_before_unload=True)
    second = context.new_page()
    open_page(second, scripted.url)
    still_answering(second)
    finished(second, scripted)
    context.close()


def test_a_second_tab_is_free_and_can_follow_the_first(context: BrowserContext, scripted: Scripted) -> None:
    first, second = context.new_page(), context.new_page()
    begin(first, scripted)
    open_page(second, scripted.url)
    expect(second.get_by_role("option")).to_have_count(0)
    second.get_by_role("button", name="Answering: A long one?").click()
    still_answering(second)
    still_answering(first)
    finished(second, scripted)
    finished(first, scripted)


def test_another_browser_sees_nothing_of_it(browser: Browser, page: Page, scripted: Scripted) -> None:
    begin(page, scripted)
    stranger = browser.new_page()
    open_page(stranger, scripted.url)
    expect(stranger.get_by_text("Your questions are listed here")).to_be_visible()
    expect(stranger.get_by_text("A long one?")).to_have_count(0)
    stranger.close()
    finished(page, scripted)


def test_only_the_stop_button_stops_it(page: Page, scripted: Scripted) -> None:
    begin(page, scripted)
    page.get_by_role("button", name="New").click()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Question")).to_have_value("")
    assert scripted.engine.running == 1
    page.get_by_role("button", name="Answering: A long one?").click()
    still_answering(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped; nothing was saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Answering: A long one?")).to_have_count(0)
    assert eventually(lambda: scripted.engine.running == 0, PATIENCE)
    assert scripted.workbench.store.sessions.list() == []


def test_a_branch_is_beside_its_answer_after_a_reload(browser: Browser, scripted: Scripted) -> None:
    page = browser.new_page()
    open_page(page, scripted.url)
    ask(page, "Where?")
    scripted.go_on.clear()
    page.get_by_role("option").filter(has_text="Can").click()
    page.get_by_role("button", name=re.compile("Sydney")).click()
    expect(page.get_by_text("New branch")).to_be_visible()
    page.reload()
    expect(page.get_by_text("New branch")).to_be_visible(timeout=OPENED)
    expect(page.get_by_role("region", name="Answer", exact=True)).to_be_visible()
    scripted.go_on.set()
    expect(page.get_by_role("region", name="Branch 1")).to_contain_text("instead of")
    page.close()


def test_a_connection_that_breaks_is_said_and_the_answer_is_there_when_it_is_back(
    browser: Browser, scripted: Scripted
) -> None:
    context = browser.new_context()
    page = context.new_page()
    begin(page, scripted, delay=0.4)
    context.set_offline(True)
    expect(page.get_by_role("alert").filter(has_text="Codex cannot be reached")).to_be_visible()
    expect(page.get_by_role("textbox", name="Question")).to_have_value("A long one?")
    context.set_offline(False)
    expect(page.get_by_role("alert").filter(has_text="Codex cannot be reached")).to_have_count(0)
    finished(page, scripted)
    context.close()
