"""Training in the browser: probes trained, stopped, compared, activated and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.ask.workbench import Workbench
from codex.settings import load_settings
from codex.store import Store
from codex.training.probe import train_probes
from tests.browser.axe import violations
from tests.browser.look import ill_fitting
from tests.support.browsing import FITTED, Served, serving, tab_to
from tests.support.evaluated import put_run
from tests.support.probed import KnowingEngine, knowing, put_known

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDE, NARROW = 1280, 800


@pytest.fixture(scope="module")
def engine() -> KnowingEngine:
    return knowing()


@pytest.fixture(scope="module")
def server(
    browser: Browser, engine: KnowingEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("train")
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "codex.duckdb"))
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


@pytest.fixture
def served(server: Served, engine: KnowingEngine) -> Iterator[Served]:
    """With no run and no probes, and an engine that reads."""

    def forget() -> None:
        engine.gate.set()
        engine.shows = "all layers"
        store = server.workbench.store
        server.workbench.active.activate_probes(None)
        for saved in store.probes.list():
            store.probes.delete(saved.version)
        for summary in store.runs.list():
            store.runs.delete(summary.run.id)

    forget()
    yield server
    forget()


def form_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="New training")


def test_a_newcomer_is_led_to_probes_that_help(page: Page, served: Served, engine: KnowingEngine) -> None:
    page.goto(f"{served.url}train")
    expect(page.get_by_role("link", name="Start a run")).to_be_visible()
    expect(page.get_by_role("heading", name="No probes yet")).to_be_visible()
    store = served.workbench.store
    put_known(store, engine, "good", name="good", graded=120)
    put_run(store, "few", name="too few", model=engine.fingerprint, graded=12)
    put_run(store, "other", name="another", model="another:model:q4", graded=12)
    page.reload()
    form = form_of(page)
    start = form.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_disabled()
    expect(form).to_contain_text("Of another:model:q4, which is not loaded.")
    expect(form.get_by_role("checkbox", name="another")).to_be_disabled()
    form.get_by_role("checkbox", name="too few").check()
    expect(form.get_by_role("status")).to_contain_text("Too few: at least 13 of each kind are needed")
    form.get_by_role("checkbox", name="too few").uncheck()
    form.get_by_role("checkbox", name="good").check()
    expect(form.get_by_role("status")).to_contain_text(re.compile(r"\d+ labels to train on: \d+ correct"))
    form.get_by_role("textbox", name="Name").fill("mine")
    start.click()
    work = page.get_by_role("region", name="Training", exact=True)
    expect(work).to_contain_text(re.compile("Done: mine@.* is saved, not yet active"), timeout=FITTED)
    card = page.get_by_role("region", name="Probes", exact=True)
    expect(card.get_by_role("status").first).to_contain_text("They help")
    row = page.get_by_role("table", name="What the probe adds, by dataset").get_by_role(
        "row", name="capitals"
    )
    expect(row).to_contain_text(re.compile(r"\+0\.\d{3} \[\+0\.\d{3}, \+0\.\d{3}\]"))
    card.get_by_role("button", name="Activate").click()
    expect(card.get_by_role("button", name="Deactivate")).to_be_focused()
    expect(card.get_by_role("heading", level=2)).to_contain_text("active")
    assert served.workbench.active.probes is not None
    card.get_by_role("button", name="Roll back").click()
    expect(card.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    assert served.workbench.active.probes is None
    card.get_by_role("link", name="Calibrate with them").click()
    chosen = page.get_by_role("complementary", name="New calibrator").get_by_role("checkbox", name="good")
    expect(chosen).to_be_checked()


def test_a_training_is_found_again_by_another_tab_and_stopped_there(
    page: Page, served: Served, engine: KnowingEngine
) -> None:
    put_known(served.workbench.store, engine, name="good")
    page.goto(f"{served.url}train?run=run-1")
    expect(form_of(page).get_by_role("checkbox", name="good")).to_be_checked()
    engine.gate.clear()
    form_of(page).get_by_role("button", name="Start", exact=True).click()
    bar = page.get_by_role("progressbar", name="Training probe")
    expect(bar).to_be_visible()
    page.reload()
    expect(bar).to_be_visible()
    expect(form_of(page).get_by_role("button", name="Start", exact=True)).to_be_disabled()
    other = page.context.new_page()
    other.goto(f"{served.url}train")
    work = other.get_by_role("region", name="Training", exact=True)
    expect(work).to_contain_text("Reading the answers")
    work.get_by_role("button", name="Cancel").click()
    expect(work).to_contain_text("Stopping")
    engine.gate.set()
    expect(work).to_contain_text("Stopped; nothing was saved.")
    expect(page.get_by_role("region", name="Training", exact=True)).to_contain_text("Stopped")
    assert served.workbench.store.probes.list() == []


def test_what_cannot_be_taught_is_said_before_it_is_tried(
    page: Page, served: Served, engine: KnowingEngine
) -> None:
    put_known(served.workbench.store, engine, name="good")
    engine.shows = "none"
    page.goto(f"{served.url}train?run=run-1")
    expect(form_of(page).get_by_role("alert")).to_contain_text("engine=huggingface")
    expect(form_of(page).get_by_role("button", name="Start", exact=True)).to_be_disabled()


def test_the_keyboard_alone_trains_activates_and_deletes(
    page: Page, served: Served, engine: KnowingEngine
) -> None:
    put_known(served.workbench.store, engine, name="good", graded=120)
    page.goto(f"{served.url}train")
    tab_to(page, form_of(page).get_by_role("checkbox", name="good"))
    page.keyboard.press("Space")
    tab_to(page, form_of(page).get_by_role("button", name="Start", exact=True))
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Probes", exact=True)
    delete = card.get_by_role("button", name="Delete", exact=True)
    expect(delete).to_be_visible(timeout=FITTED)
    tab_to(page, card.get_by_role("button", name="Activate", exact=True))
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Deactivate")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Activate", exact=True)).to_be_focused()
    tab_to(page, delete)
    page.keyboard.press("Enter")
    question = card.get_by_role("alertdialog")
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(delete).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No probes yet")).to_be_visible()
    assert served.workbench.store.probes.list() == []


def test_it_fits_and_can_be_read_in_both_themes(
    browser: Browser, served: Served, engine: KnowingEngine
) -> None:
    store = served.workbench.store
    put_run(store, "other", name="W" * 80, model=f"llama_cpp:{'W' * 80}:q4", graded=4)
    put_run(store, "few", name="few", model=engine.fingerprint, graded=4)
    put_known(store, engine, name="good", graded=120)
    train_probes(served.workbench, ["run-1"], layers=[0.7])

    def states(page: Page) -> Iterator[str]:
        page.goto(f"{served.url}train?run=few")
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
