"""What is chosen on the Ask page stays chosen, over a reload and a restart of Codex."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from codex.ask.workbench import Workbench
from codex.settings import load_settings
from codex.store import Store
from tests.browser.look import width
from tests.support.browsing import CANBERRA, Scripted, Served, ask, open_page, serving
from tests.support.scripted import ScriptedEngine


@contextmanager
def started(page: Page, home: Path, *overrides: str) -> Iterator[Served]:
    """Codex over a home, from its start to its end; each start is at another address."""
    settings = load_settings([f"home={home}", *overrides])
    store = Store(settings.database, settings.store.privacy)
    workbench = Workbench(settings, ScriptedEngine(lambda prompt: CANBERRA), store, overrides)
    with serving(workbench) as url:
        yield Served(url, workbench)
        # Before the server ends: a page that is left without it logs errors.
        page.goto("about:blank")
    workbench.close()


def asked_once(page: Page) -> Locator:
    return page.get_by_role("region", name="Save my questions?")


def test_the_first_question_asks_once_what_to_save_and_the_answer_does_not_wait(
    page: Page, scripted: Scripted
) -> None:
    scripted.go_on.clear()
    open_page(page, scripted.url)
    expect(asked_once(page)).to_have_count(0)
    page.get_by_role("textbox", name="Question").fill("Where is it kept?")
    page.keyboard.press("Enter")
    scripted.go_on.set()
    expect(page.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_be_visible()
    expect(asked_once(page)).to_contain_text("shows how they begin instead of your questions")
    sessions = page.get_by_role("navigation", name="Sessions")
    expect(sessions).not_to_contain_text("Where is it kept?")
    asked_once(page).get_by_role("button", name="Yes").click()
    expect(asked_once(page)).to_have_count(0)
    expect(sessions).to_contain_text("Where is it kept?")
    page.reload()
    ask(page, "And this one?")
    expect(asked_once(page)).to_have_count(0)


def test_no_is_a_choice_too(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, "Where is it kept?")
    asked_once(page).get_by_role("button", name="No", exact=True).click()
    expect(asked_once(page)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Where is it kept?")).to_be_visible()
    expect(asked_once(page)).to_have_count(0)


def test_the_choice_survives_a_restart(page: Page, tmp_path: Path) -> None:
    with started(page, tmp_path) as served:
        open_page(page, served.url)
        page.get_by_role("group", name="Save my questions").get_by_label("first words").check(force=True)
        expect(page.get_by_text("The first 127 characters")).to_be_visible()
    with started(page, tmp_path) as served:
        open_page(page, served.url)
        expect(page.get_by_label("first words")).to_be_checked()
        ask(page, "Where is it kept?")
        expect(asked_once(page)).to_have_count(0)
        expect(page.get_by_role("navigation", name="Sessions")).to_contain_text("Where is it kept?")


def test_a_level_given_at_the_start_is_said_and_cannot_be_changed(page: Page, tmp_path: Path) -> None:
    with started(page, tmp_path) as served:
        open_page(page, served.url)
        page.get_by_role("group", name="Save my questions").get_by_label("yes").check(force=True)
        expect(page.get_by_text("The full question")).to_be_visible()
    with started(page, tmp_path, "store.privacy=hash") as served:
        open_page(page, served.url)
        expect(page.get_by_text("Set where Codex was started: store.privacy=hash")).to_be_visible()
        choice = page.get_by_role("group", name="Save my questions")
        expect(choice.get_by_label("no", exact=True)).to_be_checked()
        expect(choice.get_by_label("no", exact=True)).to_be_disabled()
        ask(page, "Where is it kept?")
        expect(asked_once(page)).to_have_count(0)
        assert served.workbench.store.sessions.list()[0].title == "The capital is Canberra."


def test_the_question_what_to_save_fits_into_800_pixels(page: Page, scripted: Scripted) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    open_page(page, scripted.url)
    ask(page, "Where is it kept?")
    expect(asked_once(page)).to_be_visible()
    assert width(page) <= 800
