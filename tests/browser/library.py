"""Documents about a made-up country, what a model says with and without them, and where the page shows it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.support.scripted import Script

HOSTILE_NAME = "<img src=x onerror=window.hacked=1> ${window.hacked=1}.txt"
DOCUMENTS = {
    "towers.txt": "The lighthouse of Zelm was built in 1712. Its keeper was Ada Brook.",
    "rivers.txt": "The river Ospra is 412 kilometres long. It ends in the lake of Tarn.",
    HOSTILE_NAME: "The vault of Querk holds <script>window.hacked=1</script> "
    "<img src=x onerror=window.hacked=1> ${window.hacked=1} {{value}} and \u202ereversed words. "
    "It opens at noon.",
}
QUESTION = "Who was the keeper of the lighthouse of Zelm?"
SPREAD = Script(
    ["It", " was", " Tom", " Reed", "."],
    [0.9, 0.9, 0.4, 0.9, 0.9],
    samples=["Tom Reed", "Jan Roe", "Ann Low"],
    entropy=3.0,
)
"""Entropy above the default 2.5: retrieve. The weakest token has 0.4, and 2 of 5 samples agree: defer."""
FOUND = Script(["The", " keeper", " was", " Ada", " Brook", "."])


def evidence(page: Page) -> Locator:
    page.get_by_role("tab", name="Evidence").click()
    return page.get_by_role("tabpanel")


def answer(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Answer, token by token")
