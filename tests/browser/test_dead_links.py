"""Addresses that name what is not there: the page says so and shows what there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsing import Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_run


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    put_run(scripted.workbench.store, name="a kept run")
    yield scripted
    forget_all(scripted)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("?trace=nope", "No trace 'nope' is stored"),
        ("?session=nope", "No session 'nope'"),
        ("?session={session}&trace=nope", "This answer does not exist or was deleted."),
        ("calibrate?run=nope", "This run does not exist or was deleted."),
        ("train?run=nope", "This run does not exist or was deleted."),
        ("tune?run=nope", "This run does not exist or was deleted."),
    ],
)
def test_an_address_that_leads_nowhere_says_so(
    page: Page, served: Scripted, address: str, words: str
) -> None:
    open_page(page, served.url)
    ask(page, "Where?")
    (session,) = served.workbench.store.sessions.list()
    page.goto(served.url + address.format(session=session.id))
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    there = page.get_by_role("complementary", name="Sessions").get_by_role("link")
    if not address.startswith("?"):
        there = page.get_by_text("a kept run").first
    expect(there).to_have_count(1)
