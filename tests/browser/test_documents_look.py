"""How the Documents page looks: it fits, it can be read in both themes, the bar is that of every page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.documents import BEES, INDEXED, drop, forget_all, held, indexed, open_documents
from tests.browser.look import ill_fitting, pale
from tests.support.browsing import Scripted, open_page

LONG = "W" * 120


@pytest.fixture
def served(scripted: Scripted, tmp_path: Path) -> Iterator[Scripted]:
    forget_all(scripted)
    names = {f"{LONG}.txt": f"{LONG}{LONG} {BEES}", "broken.pdf": "no PDF", "bees.txt": BEES}
    indexed(scripted, tmp_path, names)
    yield scripted
    forget_all(scripted)


def states(page: Page, served: Scripted) -> Iterator[str]:
    """The page in each of its states, by name."""
    open_documents(page, served)
    expect(page.get_by_role("row")).to_have_count(4)
    yield "table"
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Remove 3 selected").click()
    yield "confirmation"
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("searchbox", name="Search the documents").fill("waggle dance")
    page.keyboard.press("Enter")
    links = page.get_by_role("region", name="Passages found").get_by_role("link")
    expect(links.first).to_be_visible(timeout=INDEXED)
    yield "results"
    links.first.click()
    expect(page.locator(".cx-doctext mark")).to_be_visible()
    yield "reading"
    page.get_by_role("button", name="Close the document").click()
    page.get_by_role("button", name="Back to the documents").click()
    with held(served) as leave:
        drop(page, {f"{LONG}-more.txt": BEES, f"{LONG}.png": "x"})
        expect(page.get_by_role("progressbar", name="Indexing")).to_be_visible()
        expect(page.get_by_role("region", name="Upload")).to_contain_text("skipped")
        yield "indexing"
        leave.set()
        expect(page.get_by_role("region", name="Indexing")).to_contain_text("Done", timeout=INDEXED)
    yield "done"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(
    browser: Browser, served: Scripted, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    weak = pale(page, states(page, served))
    forget_all(served)
    open_documents(page, served)
    weak += pale(page, ["empty"])
    page.close()
    assert weak == []


@pytest.mark.parametrize("width", [800, 1280])
def test_nothing_scrolls_sideways(page: Page, served: Scripted, width: int) -> None:
    assert ill_fitting(page, states(page, served), width) == []


def test_the_bar_is_the_same_on_each_page_and_marks_where_one_is(page: Page, served: Scripted) -> None:
    open_page(page, served.url)
    bar = page.get_by_role("navigation", name="Pages")
    here = bar.locator("[aria-current='page']")
    expect(here).to_have_text("Ask")
    place = bar.bounding_box()
    page.get_by_role("button", name="Change to the dark theme").click()
    bar.get_by_role("link", name="Documents").click()
    expect(here).to_have_text("Documents")
    expect(page.get_by_role("button", name="Change to the light theme")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text(served.workbench.model.status.model)
    moved = bar.bounding_box()
    assert moved is not None
    assert place is not None
    assert (moved["x"], moved["y"]) == (place["x"], place["y"])
    bar.get_by_role("link", name="Ask").click()
    expect(here).to_have_text("Ask")
