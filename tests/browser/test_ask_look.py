"""How the page looks: it fits, and it can be read in both themes."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.look import pale, width
from tests.support.browsing import Scripted, ask, open_page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(
    browser: Browser, scripted: Scripted, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    open_page(page, scripted.url)
    weak = pale(page)
    ask(page, "What is the capital?")
    for tab in ("Samples", "Signals", "Evidence", "Steps", "Details", "Token"):
        page.get_by_role("tab", name=tab).click()
        weak += pale(page, [tab])
    page.close()
    assert weak == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_neighbouring_steps_of_the_colour_scale_can_be_told_apart(
    browser: Browser, scripted: Scripted, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme)
    open_page(page, scripted.url)
    steps = page.locator(".cx-swatch").evaluate_all(
        "swatches => swatches.map(getComputedStyle).map(style => "
        "[style.backgroundColor, style.textDecorationLine + style.textDecorationStyle])"
    )
    page.close()
    assert len({colour for colour, _ in steps}) == 5
    assert len({line for _, line in steps[2:]} | {steps[0][1]}) == 4


def test_nothing_scrolls_sideways_at_800_pixels(page: Page, scripted: Scripted) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    open_page(page, scripted.url)
    assert width(page) == 800
    ask(page, "What is the capital?" + "W" * 300)
    for tab in ("Samples", "Signals", "Evidence", "Steps", "Details", "Token"):
        page.get_by_role("tab", name=tab).click()
        assert width(page) == 800
    drawer = page.get_by_role("button", name="Show or hide the sessions")
    expect(drawer).to_have_attribute("aria-expanded", "false")
    drawer.click()
    expect(drawer).to_have_attribute("aria-expanded", "true")
    assert width(page) == 800
    sessions = page.get_by_role("navigation", name="Sessions")
    assert sessions.is_visible()
    sessions.get_by_role("link").first.focus()
    page.keyboard.press("Escape")
    expect(sessions).to_be_hidden()
    expect(drawer).to_be_focused()


def test_the_theme_is_remembered(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    page.get_by_role("button", name="Change to the dark theme").click()
    page.reload()
    page.get_by_role("button", name="Change to the light theme").wait_for()
    assert page.evaluate("document.body.classList.contains('dark')")
