"""The names of metrics are explained on hover, on keyboard focus and by touch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.calibration.glossary import GLOSSARY
from tests.support.browsing import FITTED, Scripted, forget_all
from tests.support.evaluated import put_calibrator, put_run


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    yield scripted
    forget_all(scripted)


def explains(page: Page, name: Locator, key: str) -> None:
    """Hover and focus explain a metric, until the pointer leaves or Escape is pressed."""
    tip = page.get_by_role("tooltip")
    name.hover()
    expect(tip).to_have_text(GLOSSARY[key].says)
    tip.hover()
    expect(tip).to_be_visible()
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    name.focus()
    expect(tip).to_have_text(GLOSSARY[key].says)
    expect(name).to_have_accessible_description(GLOSSARY[key].says)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(name).to_be_focused()


def apart(tip: Locator, number: Locator) -> bool:
    """Whether one of two elements is above the other."""
    one, other = tip.bounding_box(), number.bounding_box()
    assert one
    assert other
    return one["y"] + one["height"] <= other["y"] + 1 or other["y"] + other["height"] <= one["y"] + 1


@pytest.mark.parametrize("width", [1280, 800])
def test_the_metrics_of_a_run_are_explained(page: Page, served: Scripted, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    put_run(served.workbench.store, graded=60)
    page.goto(f"{served.url}evaluate?run=run-1")
    run = page.get_by_role("region", name="Run", exact=True)
    for key in ("ece_excess", "auroc", "prr"):
        name = run.get_by_role("button", name=GLOSSARY[key].name, exact=True)
        expect(name).to_be_visible(timeout=FITTED)
        explains(page, name, key)
        name.hover()
        assert apart(page.get_by_role("tooltip"), name.locator("xpath=ancestor::div[1]/dd"))
        page.mouse.move(0, 0)


def test_the_metrics_of_a_calibrator_are_explained(page: Page, served: Scripted) -> None:
    put_calibrator(served.workbench.store, put_run(served.workbench.store, graded=300))
    page.goto(f"{served.url}calibrate")
    table = page.get_by_role("table", name="Metrics before and after")
    # What is drawn later moves the table away from under the pointer.
    expect(page.locator(".main-svg").first).to_be_visible(timeout=FITTED)
    for waiting in ("Drawing the diagrams", "Reading the samples"):
        expect(page.get_by_text(waiting)).to_have_count(0, timeout=FITTED)
    for key in ("ece_excess", "auroc", "ece"):
        name = table.get_by_role("button", name=GLOSSARY[key].name, exact=True)
        expect(name).to_be_visible(timeout=FITTED)
        explains(page, name, key)


def test_a_column_that_sorts_is_explained_by_the_button_that_sorts_it(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=60)
    page.goto(f"{served.url}evaluate")
    board = page.get_by_role("region", name="Leaderboard")
    board.get_by_role("button", name="Correct", exact=True).focus()
    expect(page.get_by_role("tooltip")).to_have_text(GLOSSARY["accuracy"].says)


def test_a_touch_explains_a_metric(browser: Browser, served: Scripted) -> None:
    put_run(served.workbench.store, graded=60)
    context = browser.new_context(viewport={"width": 800, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(f"{served.url}evaluate?run=run-1")
    run = page.get_by_role("region", name="Run", exact=True)
    name = run.get_by_role("button", name="ECE excess", exact=True)
    expect(name).to_be_visible(timeout=FITTED)
    name.tap()
    expect(page.get_by_role("tooltip")).to_have_text(GLOSSARY["ece_excess"].says)
    context.close()
