"""The first Tab stop skips the bar on top, which is outside the content."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.browsing import OPENED, Scripted


def test_the_first_tab_stop_skips_the_bar(page: Page, scripted: Scripted) -> None:
    page.goto(f"{scripted.url}evaluate")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible(timeout=OPENED)
    main = page.get_by_role("main")
    expect(main.get_by_role("banner")).to_have_count(0)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(main).to_be_focused()
    page.keyboard.press("Tab")
    assert main.evaluate("main => main.contains(document.activeElement)")
    page.evaluate("scrollTo(0, 0)")
    bar, content = page.get_by_role("banner").bounding_box(), main.bounding_box()
    assert bar
    assert content
    assert (bar["x"], bar["y"], bar["width"]) == (0, 0, 1280)
    assert content["y"] >= bar["height"]
