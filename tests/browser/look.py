"""Whether a page can be read, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AA = 4.5
"""The least contrast of text in WCAG 2.2, level AA."""
_CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


def pale(page: Page, states: Iterable[str] = ("",)) -> list[tuple[str, dict[str, Any]]]:
    """The texts with less contrast than AA, in each state that the page is brought to, with its name."""
    return [(state, text) for state in states for text in page.evaluate(_CONTRAST) if text["contrast"] < AA]


def width(page: Page) -> int:
    """In pixels, with what could only be scrolled to."""
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return wide


def ill_fitting(page: Page, states: Iterable[str], wanted: int) -> list[tuple[str, int]]:
    """The states in which the page is wider than wanted, each with its width."""
    page.set_viewport_size({"width": wanted, "height": 900})
    return [(state, wide) for state in states if (wide := width(page)) != wanted]
