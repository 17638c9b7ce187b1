"""Numbers as the scripts of the pages and Python write them."""

from __future__ import annotations

import math

from playwright.sync_api import Page

from codex.text import chosen, number, percent
from tests.support.browsing import Scripted

WRITTEN = """async (values) => {
  const words = await import(new URL("codex-assets/js/shared/words.js", document.baseURI));
  return ["number", "share", "chosen"].map((name) => values.map(words[name]));
}"""
VALUES = [
    *(0, 1, 0.5, 0.125, 0.0005, 0.00049, 0.995, 0.9951, 0.9996, 0.99996, 0.999999),
    *(0.0949, 0.0951, 0.0996, 0.996, 1 / 3, 2 / 3),
    *(math.exp(-i / 7) for i in range(70)),
]


def test_the_pages_and_python_write_a_number_alike(page: Page, scripted: Scripted) -> None:
    page.goto(scripted.url)
    assert page.evaluate(WRITTEN, VALUES) == [
        [write(value) for value in VALUES] for write in (number, percent, chosen)
    ]
    signed = [-value for value in VALUES] + [value * 1000 for value in VALUES]
    assert page.evaluate(WRITTEN, signed)[0] == [number(value) for value in signed]


def test_a_number_that_rounds_to_zero_has_no_minus_sign(page: Page, scripted: Scripted) -> None:
    page.goto(scripted.url)
    assert page.evaluate(WRITTEN, [-0.0, -1.5])[0] == ["0", "−1.5"]
