"""What a page hides, and which of its controls open it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from lxml import etree  # type: ignore[import-untyped]

NAMED_WITHIN = 6
"""Elements of a hidden part whose ids are inspected."""
OPENER = 500
"""Characters of what holds a control; a longer part has its control for something within."""
HIDDEN_BY_RULE = 1_000
"""Characters of a part that a style sheet hides; a longer one is shown by a script."""
_STYLE = 10_000
"""Characters of a style that are inspected."""
_FAR = re.compile(r"-(?:(?:[5-9]\d{2}|\d{4,})(?:\.\d+)?(?:px)?|\d{3,}(?:\.\d+)?(?:em|rem|ch|%|vw|vh))")
_ZERO = re.compile(r"(?=.)0*\.?0*(?:px|em|rem|pt|%)?")
_CLIPPED = re.compile(
    r"rect\((?:[01](?:px)?[,\s]*){4}\)|inset\((?:50|100)%[^)]{0,20}\)|circle\(0[^)]{0,20}\)"
)
_SHRUNK = re.compile(r"scale[xy3d]{0,2}\(0[,)\s]|translate[xy]?\(-\d{4,}")
_WORDS = re.compile(r"[\w-]+")
_NEXT = re.compile(r"next|sibling|accordion|collaps|toggle|faq|expand|question|show|more", re.IGNORECASE)
_QUESTION = re.compile(
    r"\b(?:accordion|collapsible|toggle|faq|expander)[-_]?(?:title|head|header|heading|toggle|button|trigger|question)"
    r"|\bquestion\b",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"data-(?:w-id|aos|framer|anim|scroll|sal)|\b(?:animate|wow|fade-?in|reveal|aos)", re.IGNORECASE
)
_SLIDES = re.compile(r"slide|carousel|swiper", re.IGNORECASE)
_CONTROLS = frozenset({"button", "summary", "label"})
_CLICKS = ("data-", "uk-", "onclick", "x-on", "@click", "v-on", "ng-click", "hx-")
"""How the names of attributes begin that say what a click does."""
_SHOWN_WHILE = ("x-show", "v-show", "ng-show", "data-ng-show")
"""Attributes with the state of the page, as Alpine and Vue have it, in which a part is shown."""
_NO_STATE = frozenset({"true", "false", "null", "undefined", "this", "not", "typeof"})
_OPENING = ("aria-controls", "popovertarget", "commandfor", "aria-owns")


def style_of(element: etree._Element) -> dict[str, str]:
    """The declarations of its own style, in lower case."""
    return _declared(element.get("style", ""))


def _declared(style: str) -> dict[str, str]:
    declarations = (it.partition(":") for it in style[:_STYLE].lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in declarations}


def is_hidden(element: etree._Element, sheet: str = "") -> bool:
    """Whether a browser does not show it until something opens it. sheet: what style sheets say of it."""
    if element.get("hidden", "until-found").strip().lower() != "until-found":
        return not _is_math(element)
    if "popover" in element.attrib or (element.tag == "dialog" and "open" not in element.attrib):
        return True
    if element.get("aria-hidden") == "true" and not _SLIDES.search(element.get("class", "")):
        return True
    own = element.get("style", "")
    if own and _hides(style_of(element)):
        fades = _ZERO.fullmatch(style_of(element).get("opacity", "")) and _moves(element)
        return not fades and not _is_math(element)
    if not sheet or _SLIDES.search(element.get("class", "")):
        return False  # A slide is hidden until its turn comes.
    return _hides(_declared(f"{sheet};{own}")) and not _is_long(element)


def _is_long(element: etree._Element) -> bool:
    """Whether a part is so long that a script shows it: a rule that hides for good hides little."""
    length = 0
    for text in element.itertext():
        length += len(text.strip())
        if length > HIDDEN_BY_RULE:
            return True
    return False


def _moves(element: etree._Element) -> bool:
    """Whether it fades or slides in when the page is scrolled."""
    names = " ".join([element.get("class", ""), *element.attrib.keys()])
    return bool(_MOVES.search(names))


def _is_math(element: etree._Element) -> bool:
    """Wikipedia hides a formula's text behind its image."""
    return "mwe-math" in element.get("class", "")


def _hides(style: dict[str, str]) -> bool:
    def of(name: str) -> str:
        return style.get(name, "")

    if of("display") == "none" or of("visibility") in ("hidden", "collapse"):
        return True
    if of("content-visibility") == "hidden" or _ZERO.fullmatch(of("font-size")):
        return True
    # What slides or fades in is shown in the end.
    if _ZERO.fullmatch(of("opacity")) and not (of("transform") or of("transition") or of("animation")):
        return True
    color = of("color")
    if color and (color == "transparent" or color in (of("background"), of("background-color"))):
        return True
    if any(_FAR.fullmatch(of(side)) for side in ("left", "right", "top", "bottom", "text-indent")):
        return True
    if (
        _CLIPPED.fullmatch(of("clip"))
        or _CLIPPED.fullmatch(of("clip-path"))
        or _SHRUNK.search(of("transform"))
    ):
        return True
    flat = any(_ZERO.fullmatch(of(name)) for name in ("height", "max-height", "width", "max-width"))
    return flat and of("overflow") in ("hidden", "clip")


def keys_of(element: etree._Element) -> list[str]:
    """By what a control can name a hidden element."""
    # A control may name what stands within the part that is hidden.
    keys = [f"#{it.get('id')}" for it in islice(element.iter(etree.Element), NAMED_WITHIN) if it.get("id")]
    keys += [f".{name}" for name in element.get("class", "").split()[:20]]
    for name in _SHOWN_WHILE:
        words = islice(_WORDS.findall(element.get(name, "")[:500]), 20)
        keys += [f"#{word}" for word in words if not word.isdecimal() and word not in _NO_STATE]
    if element.get("role") in ("tabpanel", "region"):
        keys += [f"by {id_}" for id_ in element.get("aria-labelledby", "").split()[:5]]
    return keys


def opened_by(element: etree._Element, functions: Mapping[str, Sequence[str]]) -> list[str]:
    """The keys of what it opens; [] where it is no control. functions: ids that each of a script works on."""
    named = [f"#{id_}" for name in _OPENING for id_ in element.get(name, "").split()[:50]]
    if not is_control(element):
        return named
    if element.get("id"):
        named.append(f"by {element.get('id')}")
    for name, value in element.attrib.items():
        if name == "href" and value.startswith("#"):
            named.append(value)
        elif name.startswith(_CLICKS):
            for word in _WORDS.findall(value[:500]):
                named += [f"#{word}", *(f"#{id_}" for id_ in functions.get(word, ()))]
            if name in ("data-target", "data-bs-target") and value.startswith("."):
                named.append(value.split()[0])
    return named


def is_control(element: etree._Element) -> bool:
    """Whether it is clicked to open something."""
    if element.tag in _CONTROLS or element.get("role") in ("button", "tab"):
        return True
    toggles = "aria-expanded" in element.attrib or any(
        "toggle" in name or name == "onclick" for name in element.attrib
    )
    return toggles or (element.tag == "a" and bool(_NEXT.search(element.get("class", ""))))


def opens_next(element: etree._Element) -> bool:
    """Whether a control opens what stands behind it without naming it."""
    if any(name in element.attrib for name in _OPENING):
        return False
    if "aria-expanded" in element.attrib:
        return True
    if element.tag == "label":
        box = element.getprevious()
        return box is not None and box.tag == "input" and box.get("type") in ("checkbox", "radio")
    if _QUESTION.search(element.get("class", "")):
        return True
    if element.tag != "button" and element.get("role") != "button":
        return False
    told = f"{element.get('class', '')} {element.get('onclick', '')} {' '.join(element.attrib.keys())}"
    return bool(_NEXT.search(told))


def has_opener_before(element: etree._Element) -> bool:
    """Whether the element just before it is a control that opens what comes next, or holds one."""
    before = element.getprevious()
    if before is None or not any(map(opens_next, before.iter(etree.Element))):
        return False
    return sum(map(len, before.itertext())) <= OPENER
