"""A link to an answer: made on the Ask page, opened by somebody else, revoked, deleted."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.store.traces.shares import Share
from tests.support.browsing import ANSWERED, Scripted, ask, open_page

QUESTION = "What is the capital of Australia?"


def make(page: Page, label: str) -> str:
    """Make a link to the answer that is shown; returns its address."""
    page.get_by_role("button", name="Share", exact=True).click()
    box = page.get_by_role("textbox", name="What it is for")
    expect(box).to_be_focused()
    box.fill(label)
    box.press("Enter")
    address = links(page).get_by_role("link").first
    expect(address).to_be_visible()
    return address.get_attribute("href") or ""


def links(page: Page) -> Locator:
    return page.get_by_role("list", name="Links")


def visit(browser: Browser, address: str) -> Page:
    """Open a link as somebody who was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    return page


def gone(browser: Browser, address: str) -> None:
    page = visit(browser, address)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert "Canberra" not in page.content()
    page.context.close()


def test_somebody_else_reads_the_answer_and_nothing_more(
    page: Page, browser: Browser, scripted: Scripted
) -> None:
    scripted.workbench.store.privacy = "full"
    open_page(page, scripted.url)
    ask(page, QUESTION)
    address = make(page, "for Ada")
    assert address.startswith(f"{scripted.url}shared/")
    expect(page.get_by_text("so the link works only here")).to_be_visible()
    other = visit(browser, address)
    expect(other.get_by_role("heading", name=QUESTION)).to_be_visible()
    tokens = other.get_by_role("listbox", name="Answer, token by token")
    expect(tokens).to_contain_text("berra")
    expect(other.locator(".cx-badge.large")).to_be_visible()
    tokens.get_by_role("option").first.click()
    expect(other.get_by_role("tabpanel")).to_contain_text("token 1 of 6")
    other.get_by_role("tab", name="Samples").click()
    expect(other.get_by_role("tabpanel")).to_contain_text("Asked 5 more times")
    assert other.get_by_role("link").count() == 0
    assert other.get_by_role("textbox").count() == 0
    (session,) = scripted.workbench.store.sessions.list()
    assert session.id not in other.content()
    other.context.close()


def test_by_default_the_question_is_not_told(page: Page, browser: Browser, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, QUESTION)
    other = visit(browser, make(page, ""))
    expect(other.get_by_text("The question was not saved")).to_be_visible()
    assert "Australia" not in other.content()
    other.context.close()


def test_a_revoked_link_does_not_work(page: Page, browser: Browser, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, QUESTION)
    address = make(page, "for Ada")
    kept = make_another(page, "for Bob")
    page.reload()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(links(page).get_by_role("listitem")).to_have_count(2)
    links(page).get_by_role("button", name="Revoke for Ada").click()
    expect(links(page).get_by_role("listitem")).to_have_count(1)
    gone(browser, address)
    other = visit(browser, kept)
    expect(other.get_by_role("listbox", name="Answer, token by token")).to_be_visible()
    other.context.close()


def test_a_link_made_while_the_earlier_ones_are_read_stays(
    page: Page, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = scripted.workbench.store.shares
    of, made = shares.list, threading.Event()

    def slow(trace: str | None = None) -> list[Share]:
        listed = of(trace)
        made.wait(60)
        return listed

    monkeypatch.setattr(shares, "list", slow)
    open_page(page, scripted.url)
    ask(page, QUESTION)
    (session,) = scripted.workbench.store.sessions.list()
    (trace,) = scripted.workbench.store.sessions.traces(session.id)
    shares.create(trace.id, "for Bob")
    address = make(page, "for Ada")
    made.set()
    expect(links(page).get_by_role("listitem")).to_have_count(2)
    expect(links(page).get_by_role("link")).to_have_attribute("href", address)


def make_another(page: Page, label: str) -> str:
    box = page.get_by_role("textbox", name="What it is for")
    box.fill(label)
    box.press("Enter")
    expect(links(page).get_by_role("listitem")).to_have_count(2)
    return links(page).get_by_role("link").first.get_attribute("href") or ""


def test_with_the_session_its_links_are_gone(page: Page, browser: Browser, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, QUESTION)
    address = make(page, "")
    (session,) = scripted.workbench.store.sessions.list()
    scripted.workbench.traces.forget_session(session.id)
    gone(browser, address)
    assert scripted.workbench.store.shares.list() == []


def test_escape_closes_it_and_the_keyboard_is_back(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, QUESTION)
    button = page.get_by_role("button", name="Share", exact=True)
    button.press("Enter")
    expect(page.get_by_role("textbox", name="What it is for")).to_be_focused(timeout=ANSWERED)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(page.get_by_role("textbox", name="What it is for")).to_have_count(0)
