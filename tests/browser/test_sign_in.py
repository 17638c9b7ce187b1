"""A workbench that others reach: signing in and out, and what a role may not do, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from codex.access import Access
from codex.ask.workbench import Workbench
from codex.settings import load_settings
from codex.store import Store
from tests.support.browsing import CANBERRA, Served, ask, open_page, serving
from tests.support.reliable import trust
from tests.support.scripted import ScriptedEngine

PASSWORD = "several plain words"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = trust(tmp_path_factory.mktemp("guarded"))
    access = Access(home)
    access.users.create("Vera", "viewer", PASSWORD)
    access.users.create("Lars", "labeller", PASSWORD)
    settings = load_settings([f"home={home}", "server.auth=required"])
    workbench = Workbench(settings, ScriptedEngine(lambda prompt: CANBERRA), Store(home / "codex.duckdb"))
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


OVERLAPS = """() => {
  const parts = [...document.querySelectorAll(".cx-top > *, .cx-status > *")]
    .map((part) => [part, part.getBoundingClientRect()])
    .filter(([, { width }]) => width);
  const beside = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return parts.flatMap(([one, a], i) =>
    parts.slice(i + 1)
      .filter(([two, b]) => !beside(a, b) && !one.contains(two))
      .map(([two]) => `${one.className} over ${two.className}`));
}"""
"""Parts of the bar that lie over each other."""


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_the_keyboard_alone_signs_in_asks_and_signs_out(guarded: Served, page: Page) -> None:
    page.goto(f"{guarded.url}history")
    expect(page).to_have_url(f"{guarded.url}sign-in?next=/history")
    expect(page.get_by_label("Name")).to_be_focused()
    sign_in(page, "Vera")
    expect(page).to_have_url(f"{guarded.url}history")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    open_page(page, guarded.url)
    expect(page.get_by_role("button", name="Sign out")).to_have_attribute("title", "Signed in as Vera")
    ask(page, "What is the capital of Australia?")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{guarded.url}sign-in")
    page.goto(f"{guarded.url}tune")
    expect(page).to_have_url(f"{guarded.url}sign-in?next=/tune")


def test_an_incorrect_password_says_so_and_keeps_the_name(guarded: Served, browser: Browser) -> None:
    # The browser itself tells of the status 401 in its console.
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(guarded.url)
        sign_in(page, "Vera", "another password")
        expect(page.get_by_role("alert")).to_have_text("Name or password is incorrect.")
        expect(page.get_by_label("Name")).to_have_value("Vera")
        expect(page.get_by_label("Password")).to_be_focused()


def test_what_a_role_may_not_do_is_told_in_the_page(guarded: Served, page: Page) -> None:
    page.goto(f"{guarded.url}sql")
    sign_in(page, "Vera")
    before = "takes the role researcher, which an administrator can give Vera."
    expect(page.get_by_text(before)).to_be_visible()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("takes the scope 'evaluate'")).to_be_visible()


def test_a_labeller_labels_in_their_own_name_alone(guarded: Served, page: Page) -> None:
    page.goto(f"{guarded.url}label")
    sign_in(page, "Lars")
    author = page.get_by_label("Your name, shown with it")
    expect(author).to_have_value("Lars")
    expect(author).to_be_disabled()
    page.get_by_label("Question", exact=True).fill("Who keeps the keys?")
    page.get_by_label("Answer", exact=True).fill("The porter.")
    page.get_by_role("button", name="Keep the answer").click()
    expect(page.get_by_text("Kept. Whoever asks this")).to_be_visible()
    assert [each.author for each in guarded.workbench.store.people.list(10)] == ["Lars"]


def test_a_page_whose_sign_in_ended_says_so_and_loses_nothing(guarded: Served, browser: Browser) -> None:
    with browser.new_context() as context:
        page = signed_in(context, guarded)
        page.get_by_role("textbox", name="Question").fill("Half a question")
        cookies = context.cookies()
        context.clear_cookies(name="codex_session")
        page.keyboard.press("Enter")
        page.evaluate("dispatchEvent(new Event('codex-status'))")
        again = page.get_by_role("link", name="Sign in")
        expect(again).to_have_attribute("target", "_blank")
        expect(page.get_by_role("textbox", name="Question")).to_have_value("Half a question")
        context.add_cookies(cookies)  # type: ignore[arg-type]
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        expect(page.get_by_role("textbox", name="Question")).to_have_value("Half a question")


def signed_in(context: BrowserContext, guarded: Served) -> Page:
    page = context.new_page()
    page.goto(guarded.url)
    sign_in(page, "Vera")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_bar_has_room_for_who_is_signed_in(
    guarded: Served, browser: Browser, width: int, theme: str
) -> None:
    with browser.new_context(viewport={"width": width, "height": 700}, color_scheme=theme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(guarded.url)
        sign_in(page, "Vera")
        out = page.get_by_role("button", name="Sign out")
        expect(out).to_be_visible()
        expect(page.locator(".cx-status")).to_be_visible()
        # It is laid out again while the page is still being painted.
        page.wait_for_function(f"({OVERLAPS})().length === 0")
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
