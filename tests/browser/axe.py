"""What axe-core finds wrong with a page for people who use a keyboard or a screen reader."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RUN = """
axe.run({ exclude: [".swagger-ui"] }, { resultTypes: ["violations"] })
  .then(({ violations }) => JSON.stringify(violations))
"""
"""But for what Swagger UI draws on the HTTP page: its colours, headings and nested buttons are its own."""
DRAWN = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
"""Until what follows a new size, plots for example, was drawn."""


def require_axe() -> None:
    """Skip where the checks of the pages are not installed; fail where they must be."""
    if not AXE.exists():
        reason = "No axe-core: node_modules/axe-core is not there. Install it with: npm install"
        if os.environ.get("CODEX_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def violations(
    page: Page, states: Iterable[str], widths: Sequence[int] = ()
) -> list[tuple[str, str, list[Any]]]:
    """What each state breaks: its name, the rule, and the elements as selectors with what is wrong.

    widths: the state is looked at in each of them, and left in the first; none: in the one that it has.
    """
    found = []
    for state in states:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text())
        found += _broken(page, state)
        for width in widths[1:]:
            _resize(page, width)
            found += _broken(page, f"{state}, {width} wide")
        if widths:
            _resize(page, widths[0])
    return found


def _broken(page: Page, state: str) -> list[tuple[str, str, list[Any]]]:
    return [
        (state, rule["id"], [(node["target"], node["failureSummary"]) for node in rule["nodes"]])
        for rule in json.loads(page.evaluate(RUN))
    ]


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(DRAWN)
