"""What leaves as CSV does not act in a spreadsheet."""

from __future__ import annotations

import pytest

from codex.evaluation.report import cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://x")',
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "＝1",
        "\ufeff=1",
        "%0A=1",
        "|cmd",
        "-",
    ],
)
def test_text_that_would_act_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Paris", "", "a=b", "-0.31", "+5", "1e-3", -0.31, 3, None, True, "'=1"])
def test_other_text_and_numbers_stay_as_they_are(value: object) -> None:
    assert cell(value) == value
