"""How the Evaluate and Calibrate pages look: they fit, and can be read in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.look import ill_fitting, pale
from tests.support.browsing import FITTED, Scripted, forget_all
from tests.support.evaluated import put_calibrator, put_run

LONG = "W" * 80


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    store = scripted.workbench.store
    run = put_run(
        store, "good", name=LONG, graded=90, failed=2, model=f"llama_cpp:{LONG}:q4", dataset="d" * 60
    )
    put_run(store, "few", name="few", graded=5, total=9, state="cancelled")
    put_calibrator(store, run)
    yield scripted
    forget_all(scripted)


def states(page: Page, served: Scripted) -> Iterator[str]:
    """The pages in their states, by name."""
    page.goto(f"{served.url}evaluate")
    board = page.get_by_role("region", name="Leaderboard")
    expect(board.get_by_role("row")).to_have_count(3)
    board.get_by_role("button", name="Delete few").click()
    yield "leaderboard"
    page.get_by_role("button", name="Keep").click()
    board.get_by_role("link", name=LONG).click()
    expect(page.get_by_role("figure", name="AUROC of each signal")).to_be_visible(timeout=FITTED)
    page.get_by_role("region", name="Questions").get_by_role("link").first.click()
    expect(page.get_by_role("complementary", name="Question").get_by_role("option").first).to_be_visible()
    yield "question"
    page.goto(f"{served.url}evaluate?run=few&against=good")
    compared = page.get_by_role("region", name="Comparison")
    expect(compared.get_by_role("table", name="Metrics of both runs")).to_be_visible(timeout=FITTED)
    page.get_by_role("region", name="Slices").get_by_role("rowheader").first.get_by_role("button").click()
    expect(page.get_by_role("form", name="Subset")).to_be_visible()
    yield "comparison"
    page.goto(f"{served.url}calibrate")
    expect(page.get_by_role("figure", name="After: mine")).to_be_visible(timeout=FITTED)
    yield "diagrams"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(
    browser: Browser, served: Scripted, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    weak = pale(page, states(page, served))
    page.close()
    assert weak == []


@pytest.mark.parametrize("width", [800, 1280])
def test_nothing_scrolls_sideways(page: Page, served: Scripted, width: int) -> None:
    assert ill_fitting(page, states(page, served), width) == []
