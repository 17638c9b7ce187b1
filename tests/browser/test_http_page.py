"""The description of the HTTP interface: a page among the others, which works without a network.

The fixture fails on any request that leaves the machine.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.browsing import OPENED, Scripted, open_page


def test_the_http_page_keeps_the_navigation_and_describes_every_kind_of_route(
    page: Page, scripted: Scripted
) -> None:
    open_page(page, scripted.url)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="HTTP").click()
    expect(page).to_have_url(re.compile("/docs$"))
    expect(page).to_have_title("HTTP · Codex")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="HTTP")).to_have_attribute("aria-current", "page")
    routes = page.get_by_role("region", name="Routes")
    for kind in ("ask", "labels", "datasets", "evaluations", "calibrators", "policies", "jobs"):
        expect(routes.get_by_role("heading", name=kind, exact=True)).to_be_visible(timeout=OPENED)
    pages.get_by_role("link", name="Tune").click()
    expect(page).to_have_url(re.compile("/tune$"))


def test_a_route_is_tried_from_the_page(page: Page, scripted: Scripted) -> None:
    page.goto(f"{scripted.url}docs")
    page.get_by_role("region", name="Routes").get_by_text("Read the active policy").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_role("region", name="Routes")).to_contain_text('"answer_above"', timeout=OPENED)


def test_the_page_follows_the_theme(page: Page, scripted: Scripted) -> None:
    page.goto(f"{scripted.url}docs")
    expect(page.get_by_role("region", name="Routes").get_by_role("heading", name="Codex")).to_be_visible(
        timeout=OPENED
    )
    page.get_by_role("button", name="Change to the dark theme").click()
    expect(page.locator("html")).to_have_class(re.compile("dark-mode"))
