"""What of a page is not read: what is never shown, what is hidden, and what stands around the content."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.draft import counted, joined
from codex.retrieval.readers.html.hidden import has_opener_before, is_hidden, keys_of, opened_by
from codex.retrieval.readers.html.styles import Styles, styles_of

Reason = Literal["never", "hidden", "around", "struck", "button", "frame", "media", "choices"]

LINK_SHARE = 0.5
"""Of the text of a part that is called a menu or a sidebar; with fewer links it is content."""
SIDE_MATTER = 1_000
"""Characters; what is called a cookie banner, a newsletter's form or the like and is longer is content."""
MOST_CHOICES = 20
"""Options of a list that are read."""

_NEVER = frozenset({
    "script", "style", "template", "datalist", "noembed", "param", "source", "track", "rp", "title",
    "input", "base", "link", "meta",
})  # fmt: skip
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "applet"})
_MEDIA = frozenset({"audio", "video", "canvas"})
_AROUND = frozenset({"footer", "aside"})
_AROUND_ROLES = frozenset({"contentinfo", "complementary"})
_STRUCK = frozenset({"del", "s", "strike"})
_NEVER_AROUND = frozenset({"body", "html", "main", "article", "h1", "h2", "h3", "a", "p", "td", "button"})
_NAMED_AROUND = frozenset({
    "nav", "navbar", "navigation", "menu", "submenu", "sidebar", "breadcrumb", "breadcrumbs", "pagination",
    "pager", "social", "share", "sharing", "related", "footer", "header", "widget", "links", "tags",
    "toolbar", "topbar", "offcanvas", "sitemap", "navbox", "skip",
})  # fmt: skip
_SIDE_MATTER = frozenset({
    "cookie", "cookies", "consent", "gdpr", "newsletter", "respond", "commentform", "shariff", "share",
    "sharing", "social", "related", "recommended", "recommendations", "promo", "advert", "advertisement",
    "signup", "subscribe",
})  # fmt: skip
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NO_SCRIPT = re.compile(r"java\s?script|browser|enable|aktivier|activ|cookies", re.IGNORECASE)
_INLINE = frozenset({"i", "span", "em", "a", "b"})
_PERMALINKS = frozenset({"¶", "#", "§", "\N{LINK SYMBOL}"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ICONS = re.compile(r"\b(?:material-(?:icons|symbols)|fa-icon|glyphicon)")
_DUPLICATES = re.compile(
    r"\b(?:katex-html|MathJax_Preview|mwe-math-fallback-image|mw-editsection|headerlink)"
)
_QUESTION = re.compile(r"accordion|collaps|faq|toggle|question|expand|disclosure", re.IGNORECASE)


@dataclass
class LeftOut:
    """The elements of a page that are not read, each with its reason."""

    reasons: dict[etree._Element, Reason] = field(default_factory=dict)

    def characters(self, reason: Reason) -> int:
        """Of the text that is left out for this reason."""
        return sum(_length(element) for element, why in self.reasons.items() if why == reason)

    def count(self, reason: Reason) -> int:
        """How many elements with text are left out for this reason."""
        return sum(_length(element) > 0 for element, why in self.reasons.items() if why == reason)

    def note(self) -> str:
        """What a reader should know of it; "" when nothing that says something is left out."""
        around, hidden = self.characters("around"), self.characters("hidden")
        reasons = Counter(self.reasons.values())
        return joined(
            counted(self.count("hidden"), "hidden part", f"left out ({hidden:,} characters)")
            if hidden > 1
            else "",
            f"menus, margins and footers left out ({around:,} characters)" if around else "",
            counted(self.count("struck"), "struck-out part", "left out"),
            counted(self.count("button"), "button", "left out"),
            counted(self.count("choices"), "long list", "of choices left out"),
            counted(reasons["frame"], "frame", "left out"),
            counted(reasons["media"], "media element", "left out"),
        )


def _length(element: etree._Element) -> int:
    """Of its text, in characters; of signs without a word, 0."""
    texts = [text.strip() for text in element.itertext()]
    return sum(map(len, texts)) if any(letter.isalnum() for text in texts for letter in text) else 0


def left_out(root: etree._Element, *, around: bool) -> LeftOut:
    """What is not read of a page. around: also leave out what stands around the content."""
    search = _Search(around, styles_of(root))
    search.run(root)
    return LeftOut(search.found)


@dataclass
class _Search:
    """A walk over what is shown; a hidden part is walked when a control is found that opens it."""

    around: bool
    styles: Styles
    found: dict[etree._Element, Reason] = field(default_factory=dict)
    _opened: set[str] = field(default_factory=set)
    _closed: dict[str, list[etree._Element]] = field(default_factory=dict)
    _todo: list[etree._Element] = field(default_factory=list)
    _characters: int = 0
    _linked: int = 0
    _roots_tested: int = 0

    def run(self, root: etree._Element) -> None:
        self._todo.append(root)
        while self._todo:
            self._walk(self._todo.pop())

    def _walk(self, start: etree._Element) -> None:
        links = 0
        inside = 0
        candidates: list[tuple[etree._Element, int, int]] = []
        walk = etree.iterwalk(start, events=("start", "end"))
        for event, element in walk:
            if event == "start":
                reason = self._reason(element, inside > 0) if element is not start else None
                if reason in (None, "button"):
                    for key in opened_by(element, self.styles.functions):
                        self._open(key)
                if reason is not None:
                    self.found[element] = reason
                    walk.skip_subtree()
                    continue
                links += element.tag == "a"
                inside += element.tag in ("article", "main")
                if self.around and _is_named_around(element):
                    candidates.append((element, self._characters, self._linked))
                self._count(element.text, links)
                continue
            if element not in self.found:
                links -= element.tag == "a"
                inside -= element.tag in ("article", "main")
                if candidates and candidates[-1][0] is element:
                    self._judge(*candidates.pop())
            if element is not start:
                self._count(element.tail, links)

    def _count(self, text: str | None, links: int) -> None:
        if text:
            length = len(text.strip())
            self._characters += length
            self._linked += length if links else 0

    def _judge(self, element: etree._Element, characters: int, linked: int) -> None:
        """Whether a part that is called a menu or the like is one: mostly links."""
        length = self._characters - characters
        mostly_links = self._linked - linked >= LINK_SHARE * length
        if length and (mostly_links or (length < SIDE_MATTER and _is_side_matter(element))):
            self.found[element] = "around"

    def _open(self, key: str) -> None:
        if key in self._opened:
            return
        self._opened.add(key)
        for element in self._closed.pop(key, []):
            if self.found.get(element) == "hidden":
                del self.found[element]
                self._todo.append(element)

    def _reason(self, element: etree._Element, inside: bool) -> Reason | None:
        """Why it is not read; None: it is. inside: of an article or the main part."""
        tag = element.tag
        if tag in _NEVER or _is_duplicate(element):
            return "never"
        if tag in _FRAMES and not (tag == "iframe" and len(element)):
            return "frame"
        if tag in _MEDIA:
            return "media"
        if tag == "noscript":
            text = "".join(element.itertext()).strip()
            return None if text and not (len(text) < 300 and _NO_SCRIPT.search(text)) else "never"
        if (
            is_hidden(element, self.styles.of(element))
            and not self._is_root(element)
            and not self._is_opened(element)
        ):
            return "hidden"
        if tag in _STRUCK:
            return "struck"
        if tag == "select":
            return "choices" if len(element.findall(".//option")) > MOST_CHOICES else None
        if tag == "button" and not says_something(element):
            return "button"
        return "around" if self.around and _is_around(element, inside) else None

    def _is_root(self, element: etree._Element) -> bool:
        """A page that was saved under an open dialog has its content marked as hidden."""
        if element.get("aria-hidden") != "true" or "hidden" in element.attrib or self._roots_tested > 20:
            return False
        self._roots_tested += 1
        return next(element.iter("main", "article", "h1"), None) is not None and not element.get("style")

    def _is_opened(self, element: etree._Element) -> bool:
        keys = keys_of(element)
        if any(key in self._opened for key in keys) or has_opener_before(element):
            return True
        for key in keys:
            self._closed.setdefault(key, []).append(element)
        return False


def says_something(button: etree._Element) -> bool:
    """Whether a button's text is content, as a question is that opens its answer, and not "Copy"."""
    if (
        is_control_of_text(button)
        or next(button.iterancestors(*_HEADINGS, "summary", "dt"), None) is not None
    ):
        return True
    text = "".join(button.itertext()).strip()
    return text.endswith(("?", "？", "؟")) or len(text.split()) > 3 or (not text.isascii() and len(text) > 12)


def is_control_of_text(button: etree._Element) -> bool:
    """Whether it opens a part of the page, by what it says of itself."""
    names = f"{button.get('class', '')} {' '.join(button.attrib.keys())}"
    opens = ("aria-controls", "aria-expanded", "popovertarget", "commandfor")
    return (
        button.get("role") == "tab"
        or any(name in button.attrib for name in opens)
        or bool(_QUESTION.search(names))
        or bool(button.get("data-target") or button.get("data-bs-target"))
    )


def _is_duplicate(element: etree._Element) -> bool:
    """What stands beside a text: a drawn formula beside its MathML, an icon's name, a heading's own link."""
    names = element.get("class", "")
    if names and (_DUPLICATES.search(names) or (element.tag in _INLINE and _ICONS.search(names))):
        return True
    if element.tag == "mjx-math" or (element.tag == "nobr" and element.get("aria-hidden") == "true"):
        return True
    return (
        element.tag == "a"
        and not len(element)
        and (element.text or "").strip() in _PERMALINKS
        and next(element.iterancestors(*_HEADINGS), None) is not None
    )


def _is_around(element: etree._Element, inside: bool) -> bool:
    if element.tag == "nav" or element.get("role") in ("navigation", "search", "menubar"):
        return True
    return not inside and (element.tag in _AROUND or element.get("role") in _AROUND_ROLES)


def _is_named_around(element: etree._Element) -> bool:
    if element.tag in _NEVER_AROUND:
        return False
    names = _names(element)
    return not (_NAMED_AROUND.isdisjoint(names) and _SIDE_MATTER.isdisjoint(names))


def _is_side_matter(element: etree._Element) -> bool:
    return not _SIDE_MATTER.isdisjoint(_names(element)) and next(element.iter("h1", "main"), None) is None


def _names(element: etree._Element) -> list[str]:
    """The words of its class and its id."""
    names = f"{element.get('class', '')} {element.get('id', '')}"[:500]
    return [part.lower() for part in _NAME_PARTS.findall(names)]
