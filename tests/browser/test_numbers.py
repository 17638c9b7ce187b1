"""Numbers as the scripts of the pages write them."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.support.browsing import Scripted

WRITTEN = """async () => {
  const words = new URL("codex-assets/js/shared/words.js", document.baseURI);
  const { digits, fixed, number } = await import(words);
  return [
    fixed(-0.04, 1), fixed(-0.06, 1), fixed(-0, 0),
    digits(-0.00001), digits(-0.02), number(-0), number(-1.5),
  ];
}"""


def test_a_number_that_rounds_to_zero_has_no_minus_sign(page: Page, scripted: Scripted) -> None:
    page.goto(scripted.url)
    assert page.evaluate(WRITTEN) == ["0.0", "−0.1", "0", "0.0000", "−0.02", "0", "−1.5"]
