"""How mathematics and typography write numbers, brought to plain characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile(r"\s?([¼½¾⅐-⅞↉])")
_DASHES = str.maketrans(
    {"−": "-", "–": "-", "‒": "-", "‐": "-", "‑": "-", "—": " - ", "’": "'", "‘": "'", "⁄": "/"}
)
_LATEX = [
    (re.compile(r"(-?)[ ]?\\[dtc]?frac\s*\{([^{}]{1,60})\}\s*\{([^{}]{1,60})\}"), r" \1\2/\3 "),
    (re.compile(r"(-?)[ ]?\\[dtc]?frac\s*(\d)\s*(\d)"), r" \1\2/\3 "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "×"),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox|operatorname|boxed|fbox)\s*(?=\{)"), " "),
    (re.compile(r"\\(?:left|right|displaystyle|quad|qquad|approx|boldsymbol)(?![a-zA-Z])"), " "),
    (re.compile(r"\\(?:circ|degree)(?![a-zA-Z])"), "°"),
    (re.compile(r"\\([%$#&])"), r"\1"),
    (re.compile(r"\\[,;:! ()\[\]]"), " "),
    (re.compile(r"\^\s*\{\s*([-+]?\w{1,12}|°)\s*\}"), r"^\1"),
    (re.compile(r"\^\s*°"), "°"),
    (re.compile(r"[{}]"), " "),
]
_MATHS = re.compile(r"\$\$?([^$\n]{1,200}?)\$\$?(?!\d)")


@lru_cache(maxsize=1024)
def written(text: str) -> str:
    """A text with plain characters for LaTeX, superscripts (as ^2), vulgar fractions, minus signs, widths.

    "\\frac{3}{4}" and "¾" become 3/4, "m²" m^2, "−5" -5. Linear in the text.
    """
    if text.isascii() and "\\" not in text and "$" not in text and "{" not in text:
        return text
    if not text.isascii():
        text = _SUPERSCRIPT.sub(lambda found: f"^{found[0].translate(_SUPERSCRIPTS)}", text)
        text = _VULGAR.sub(lambda found: f" {unicodedata.normalize('NFKC', found[1])}", text)
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    if text.count("$") > 1:
        text = _MATHS.sub(_unwrapped, text)
    if "\\" in text or "{" in text:
        for pattern, instead in _LATEX:
            text = pattern.sub(instead, text)
    return text


def _unwrapped(found: re.Match[str]) -> str:
    """What stands between two signs of mathematics; two prices are left as they are."""
    inside = found[1]
    last = inside.split()[-1:]
    is_price = inside[0].isdigit() and "\\" not in inside and (inside[-1].isspace() or last[0].isalpha())
    return found[0] if is_price else f" {inside} "
