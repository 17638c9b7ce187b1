"""Asking in the browser, with the default model."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.browsing import Served, ask, open_page, tab_to

QUESTION = "What is the capital of Australia?"
OTHER = "In which year did the Titanic sink?"


def test_an_answer_comes_token_by_token_with_its_colours_and_decision(page: Page, real: Served) -> None:
    open_page(page, real.url)
    expect(page.get_by_role("heading", name="tells you how confident it is")).to_be_visible()
    ask(page, QUESTION)
    tokens = page.get_by_role("listbox", name="Answer, token by token").get_by_role("option")
    expect(tokens.filter(has_text="Canberra")).to_have_count(1)
    # The model gives Sydney about a third, so Canberra is never in the surest step.
    expect(tokens.filter(has_text="Canberra")).to_have_class(re.compile(r"\bs[1-4]\b"))
    decision = page.get_by_role("region", name="Decision")
    expect(decision.get_by_text(re.compile("^(answer|defer: ask a person|abstain)$")).first).to_be_visible()
    expect(decision).to_contain_text("not calibrated")
    expect(page).to_have_url(re.compile(r"\?session=\w{32}$"))
    expect(page.get_by_role("textbox", name="Question")).to_have_value("")


def test_an_alternative_is_found_and_picked_with_the_keyboard_alone(page: Page, real: Served) -> None:
    open_page(page, real.url)
    ask(page, QUESTION)
    answer = page.get_by_role("listbox", name="Answer, token by token")
    chosen = answer.locator("[tabindex='0']")
    expect(chosen).to_have_count(1)
    tab_to(page, answer)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(answer.get_by_role("option").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    first_other = page.locator(".cx-alt:not([aria-disabled])").first
    expect(first_other).to_be_focused()
    page.keyboard.press("Escape")
    expect(answer.get_by_role("option").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    picked = first_other.locator("bdi").inner_text()
    page.keyboard.press("Enter")
    branch = page.get_by_role("region", name="Branch 1")
    expect(branch.locator("header .cx-badge")).to_be_visible(timeout=60_000)
    expect(branch.locator("header bdi").first).to_have_text(picked)
    expect(branch).to_have_class(re.compile("active"))
    expect(page.get_by_role("region", name="Answer", exact=True)).to_be_visible()


def test_a_session_opens_again_after_a_reload_and_can_be_deleted(page: Page, real: Served) -> None:
    open_page(page, real.url)
    ask(page, QUESTION)
    ask(page, OTHER)
    text = page.get_by_role("listbox", name="Answer, token by token").inner_text()
    page.reload()
    expect(page.get_by_role("heading", name=OTHER)).to_be_visible()
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_have_text(text, use_inner_text=True)
    sessions = page.get_by_role("navigation", name="Sessions")
    sessions.locator(".cx-asked button").first.click()
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    before = sessions.get_by_role("link").count()
    sessions.locator(".here").get_by_role("button", name=re.compile("^Delete")).click()
    sessions.get_by_role("button", name=re.compile("^Really delete")).click()
    expect(sessions.get_by_role("link")).to_have_count(before - 1)
    expect(page.get_by_role("heading", name="tells you how confident it is")).to_be_visible()
    expect(page).not_to_have_url(re.compile("session="))


def test_samples_signals_steps_and_details_say_where_the_decision_comes_from(
    page: Page, real: Served
) -> None:
    open_page(page, real.url)
    ask(page, QUESTION)
    panel = page.get_by_role("tabpanel")
    page.get_by_role("tab", name="Token").focus()
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text(re.compile(r"Asked 3 more times.*\d of 3"))
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("Mean log-probability")
    expect(panel).to_contain_text("→ reflect")
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("There are no documents")
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("Asked the model")
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text(real.workbench.model.status.model)
    expect(panel).to_contain_text("seed 0")
    expect(panel).to_contain_text("Estimated, not calibrated: from how likely the model found")
    expect(panel.locator("pre")).to_contain_text(QUESTION)
    expect(panel.get_by_role("link")).to_have_attribute("href", re.compile(r"/traces/\w{32}$"))
