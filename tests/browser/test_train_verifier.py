"""A verifier in the browser: trained, watched by epochs, compared, applied, activated and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.grounding.trained import TrainedVerifier
from codex.training import trainings
from codex.training.verifier import Epoch
from tests.browser.axe import violations
from tests.browser.look import ill_fitting
from tests.support.browsing import FITTED, Served, serving, tab_to
from tests.support.taught import put_colours, random_workbench

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDE, NARROW = 1280, 800


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A random model with a run of its answers."""
    workbench = random_workbench(tmp_path_factory.mktemp("verifier"))
    workbench.model.load()
    put_colours(workbench.store, workbench.model.engine.fingerprint)
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


def form_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="New training")


def test_the_keyboard_alone_trains_a_verifier_that_is_compared_applied_and_activated(
    page: Page, served: Served
) -> None:
    page.goto(f"{served.url}train")
    form = form_of(page)
    tab_to(page, form.get_by_role("radio", name="Probe"))
    page.keyboard.press("ArrowRight")
    expect(form.get_by_role("radio", name="Verifier")).to_be_checked()
    expect(page.get_by_role("heading", name="No verifier yet")).to_be_visible()
    tab_to(page, form.get_by_role("checkbox", name="colours"))
    page.keyboard.press("Space")
    tab_to(page, form.get_by_role("textbox", name="Name"))
    page.keyboard.type("green")
    expect(form.get_by_role("radio", name="Readout")).to_be_checked()
    expect(form.get_by_role("spinbutton")).to_have_count(0)
    tab_to(page, form.get_by_role("button", name="Start"))
    page.keyboard.press("Enter")
    work = page.get_by_role("region", name="Training", exact=True)
    expect(work).to_contain_text("is saved, not yet active", timeout=FITTED)
    expect(page.get_by_role("region", name="Epochs")).to_have_count(0)
    card = page.get_by_role("region", name="Verifier", exact=True)
    compared = card.get_by_role("table", name="Before and after the training")
    expect(compared.get_by_role("row")).to_have_count(3)
    expect(compared.get_by_role("columnheader", name="AUROC")).to_be_visible()

    tab_to(page, card.get_by_role("button", name="Verify its runs"))
    page.keyboard.press("Enter")
    expect(card.get_by_role("link", name="Calibrate with it")).to_be_visible(timeout=FITTED)
    expect(work).to_contain_text("the runs are verified")
    tab_to(page, card.get_by_role("button", name="Activate", exact=True))
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Deactivate")).to_be_focused()
    assert served.workbench.active.verifier.in_use is not None
    expect(page.get_by_role("region", name="Saved versions")).to_contain_text("active")
    card.get_by_role("button", name="Roll back").click()
    expect(card.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    assert served.workbench.active.verifier.in_use is None

    rename = card.get_by_role("button", name="Rename")
    tab_to(page, rename)
    page.keyboard.press("Enter")
    page.keyboard.type("grass")
    page.keyboard.press("Enter")
    expect(card.get_by_role("heading", level=2)).to_contain_text("grass (green@")
    expect(rename).to_be_focused()


def test_it_fits_and_can_be_read_in_both_themes(browser: Browser, served: Served) -> None:
    def states(page: Page) -> Iterator[str]:
        page.goto(f"{served.url}train?teach=verifier&run=colours")
        expect(page.get_by_role("region", name="Saved versions")).to_be_visible()
        yield "result"
        page.get_by_role("button", name="Delete", exact=True).click()
        yield "deletion"

    for theme in THEMES:
        page = browser.new_page(color_scheme=theme, viewport={"width": WIDE, "height": 900})
        assert not violations(page, states(page), (WIDE, NARROW))
        page.close()
    page = browser.new_page()
    assert ill_fitting(page, states(page), NARROW) == []
    page.close()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The training of an adapter does not end by itself: after two epochs it waits to be cancelled."""
    teach = trainings.teach_verifier

    def slow(*given: Any) -> TrainedVerifier:
        *first, cancel, on_epoch = given

        def watched(epoch: Epoch) -> None:
            on_epoch(epoch)
            if epoch.number >= 2:
                cancel.wait(FITTED / 1000)

        return teach(*first, cancel, watched)

    monkeypatch.setattr(trainings, "teach_verifier", slow)


@pytest.mark.usefixtures("endless")
def test_an_adapter_is_watched_by_epochs_its_training_stopped_and_a_verifier_deleted(
    page: Page, served: Served
) -> None:
    page.goto(f"{served.url}train?teach=verifier&run=colours")
    form = form_of(page)
    form.get_by_text("LoRA", exact=True).click()
    form.get_by_role("spinbutton", name="Max epochs").fill("100")
    form.get_by_role("spinbutton", name="Learning rate").fill("0.01")
    form.get_by_role("button", name="Start").click()
    work = page.get_by_role("region", name="Training", exact=True)
    epochs = page.get_by_role("region", name="Epochs")
    expect(epochs.get_by_role("figure", name="AUROC and ECE of held-out answers")).to_be_visible(
        timeout=FITTED
    )
    epochs.locator("summary").last.click()
    expect(epochs.get_by_role("table", name="Loss")).to_be_visible()
    expect(epochs.get_by_role("alert")).to_have_count(0)
    work.get_by_role("button", name="Cancel").click()
    expect(work).to_contain_text("Stopped; nothing was saved.", timeout=FITTED)
    card = page.get_by_role("region", name="Verifier", exact=True)
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No verifier yet")).to_be_visible()
    assert served.workbench.store.verifiers.list() == []
