"""The model itself taught in the browser: fine-tuned, watched, stopped, resumed, compared and used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.training import answerer as trained_by
from codex.training.course import Progress
from tests.browser.axe import violations
from tests.browser.look import ill_fitting
from tests.support.browsing import FITTED, PATIENCE, Served, serving, tab_to
from tests.support.fine_tuned import tiny_workbench

WIDE, NARROW = 1280, 800


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A random model with a run."""
    workbench = tiny_workbench(tmp_path_factory.mktemp("model"))
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is clear, no training passes its second update."""
    opened, fit = threading.Event(), trained_by.fit

    def gated(*args: Any) -> Any:
        def progress(at: Progress) -> None:
            args[3](at)
            if at.step == 2:
                assert opened.wait(PATIENCE)

        return fit(*args[:3], progress, args[4])

    monkeypatch.setattr(trained_by, "fit", gated)
    return opened


def form_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="New training")


def test_the_keyboard_alone_fine_tunes_stops_resumes_uses_and_compares(
    page: Page, served: Served, gate: threading.Event
) -> None:
    page.goto(f"{served.url}train")
    form = form_of(page)
    tab_to(page, form.get_by_role("radio", name="Probe"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(form.get_by_role("radio", name="Answers")).to_be_checked()
    expect(page.get_by_role("heading", name="No fine-tuned model yet")).to_be_visible()
    tab_to(page, form.get_by_role("checkbox", name="invented sums"))
    page.keyboard.press("Space")
    tab_to(page, form.get_by_role("textbox", name="Name"))
    page.keyboard.type("mine")
    tab_to(page, form.get_by_role("button", name="Start"))
    page.keyboard.press("Enter")
    work = page.get_by_role("region", name="Training", exact=True)
    updates = page.get_by_role("region", name="Updates")
    expect(updates.get_by_role("figure", name="Loss")).to_be_visible(timeout=FITTED)
    expect(work).to_contain_text("2 of ")
    work.get_by_role("button", name="Cancel").press("Enter")
    expect(work).to_contain_text("Stopping")
    gate.set()
    expect(work).to_contain_text("Stopped at a checkpoint. Resume continues from there.", timeout=FITTED)
    card = page.get_by_role("region", name="Adapter", exact=True)
    expect(card.get_by_role("heading", level=2)).to_contain_text("unfinished")
    card.get_by_role("button", name="Resume").press("Enter")
    expect(work).to_contain_text("mine is trained, not yet in use", timeout=FITTED)
    compared = card.get_by_role("table", name="Before and after the training")
    expect(compared.get_by_role("row")).to_have_count(3)
    expect(compared.get_by_role("columnheader", name="Correct")).to_be_visible()
    tab_to(page, card.get_by_role("button", name="Use it"))
    page.keyboard.press("Enter")
    expect(work).to_contain_text("mine is loaded", timeout=FITTED)
    expect(card.get_by_role("heading", level=2)).to_contain_text("in use")
    expect(card).to_contain_text("codex serve engine=huggingface engine.model_path=mine")
    assert served.workbench.model.engine.fingerprint.startswith("huggingface:mine@")


def test_it_fits_and_can_be_read(browser: Browser, served: Served) -> None:
    def states(page: Page) -> Iterator[str]:
        page.goto(f"{served.url}train?teach=reward")
        form_of(page).get_by_text("Additions").click()
        form_of(page).get_by_text("More settings").click()
        expect(form_of(page).get_by_role("button", name="Start")).to_be_enabled()
        yield "result"

    page = browser.new_page(color_scheme="dark", viewport={"width": WIDE, "height": 900})
    assert not violations(page, states(page), (WIDE, NARROW))
    page.close()
    page = browser.new_page()
    assert ill_fitting(page, states(page), NARROW) == []
    page.close()
