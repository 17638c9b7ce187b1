"""What the style sheets and scripts within a page hide and open: plain class and id rules, no cascade."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

MOST_STYLES = 2_000_000
"""Characters of style sheets that are inspected, and of scripts."""
FUNCTION = 2_000
"""Characters of a function that are inspected."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE = re.compile(r"(?:[a-z][a-z0-9]{0,9})?([.#][\w-]+)", re.IGNORECASE)
_NAMES = re.compile(r"[.#][A-Za-z_][\w-]*")
_SHOWS = re.compile(
    r"display\s*:\s*(?!none)\w|visibility\s*:\s*visible|(?:max-)?height\s*:\s*(?!0)\w|opacity\s*:\s*(?!0)\w"
)
_FUNCTION = re.compile(r"function\s+([A-Za-z_$][\w$]{0,80})\s*\(")
_ELEMENT = re.compile(
    r"getElementById\(\s*[\"']([\w:.-]{1,80})[\"']|querySelector(?:All)?\(\s*[\"']#([\w-]{1,80})"
)


@dataclass(frozen=True, slots=True)
class Styles:
    """The rules of a page that matter for what is shown."""

    hidden: dict[str, str] = field(default_factory=dict)
    """Declarations by a class (.x) or an id (#x) that no other rule shows again."""
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the name of a script's function: ids of the elements that it works on."""

    def of(self, element: etree._Element) -> str:
        """The declarations that a style sheet has for an element."""
        if not self.hidden:
            return ""
        names = [f".{name}" for name in element.get("class", "").split()[:20]]
        names.append(f"#{element.get('id', '')}")
        return ";".join(self.hidden[name] for name in names if name in self.hidden)


def styles_of(root: etree._Element) -> Styles:
    """The rules of a page."""
    sheets = "\n".join(
        it.text for it in root.iter("style") if it.text and it.get("media", "all") in ("all", "screen")
    )
    scripts = "\n".join(it.text for it in root.iter("script") if it.text and "src" not in it.attrib)
    return Styles(_hidden(sheets[:MOST_STYLES]), _functions(scripts[:MOST_STYLES]))


def _hidden(sheet: str) -> dict[str, str]:
    hidden: dict[str, str] = {}
    shown: set[str] = set()
    for selectors, declarations, within in _rules(_COMMENT.sub("", sheet)):
        lower = declarations.lower()
        if _SHOWS.search(lower):
            shown.update(_NAMES.findall(selectors))
        elif not within and any(word in lower for word in ("none", "hidden", "0", "-")):
            for selector in selectors.split(","):
                if simple := _SIMPLE.fullmatch(selector.strip()):
                    hidden[simple[1]] = lower
    return {name: declarations for name, declarations in hidden.items() if name not in shown}


def _rules(sheet: str) -> list[tuple[str, str, bool]]:
    """Selectors, declarations, and whether they stand within a condition such as @media."""
    found: list[tuple[str, str, bool]] = []
    depth, position = 0, 0
    while (opening := sheet.find("{", position)) >= 0:
        selectors = sheet[position:opening]
        depth -= selectors.count("}")
        selectors = selectors.rpartition("}")[2].rpartition(";")[2].strip()
        if selectors.startswith("@"):
            depth, position = depth + 1, opening + 1
            continue
        closing = sheet.find("}", opening)
        if closing < 0:
            break
        found.append((selectors, sheet[opening + 1 : closing], depth > 0))
        position = closing + 1
    return found


def _functions(script: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for start in _FUNCTION.finditer(script):
        body = script[start.end() : start.end() + FUNCTION].partition("function ")[0]
        if ids := [one or other for one, other in _ELEMENT.findall(body)]:
            found[start[1]] = tuple(ids)
    return found
