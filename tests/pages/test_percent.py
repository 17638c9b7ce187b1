"""Shares in words: the server and the page write the same."""

from __future__ import annotations

import pytest

from codex.pages.percent import percent

SHARES = [(13, 40, "33%"), (1, 8, "13%"), (0, 3, "0%"), (2, 3, "67%")]


@pytest.mark.parametrize(("correct", "of", "words"), SHARES)
def test_a_half_goes_up_as_in_the_scripts(correct: int, of: int, words: str) -> None:
    assert percent(correct / of) == words
