"""Word's formulas as MathML, so that they read as those of web pages do."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.docx.package import W
from codex.retrieval.readers.mathml import math_text

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DEEPEST = 60
"""Nested parts of a formula; deeper ones are reduced to their bare text."""
_LEAVES = frozenset(("mtext", "mspace"))
_ACCENTS = {
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "¯",
    "\u0305": "¯",
    "\u0307": "˙",
    "\u0308": "¨",
    "\u20d7": "→",
}


def formula(element: etree._Element) -> str:
    """The text of an oMath or oMathPara: E=mc^2, (a+1)/b, √x."""
    if element.tag == f"{M}oMathPara":
        return " ".join(formula(part) for part in element.iter(f"{M}oMath"))
    return math_text(_row(element, 0))


def _row(element: etree._Element | None, depth: int) -> etree._Element:
    """The children side by side."""
    row = etree.Element("mrow")
    if element is None:
        return row
    if depth > _DEEPEST:
        row.append(_leaf("".join(it.text or "" for it in element.iter(f"{M}t"))))
        return row
    for child in element:
        if child.tag in (f"{M}r", f"{W}r"):
            parts = [_leaf(text.text or "") for text in child.iter(f"{M}t", f"{W}t")]
        elif child.tag in _PARTS:
            parts = [_PARTS[child.tag](child, depth + 1)]
        elif child.tag not in (f"{W}del", f"{W}moveFrom") and not child.tag.endswith("Pr"):
            parts = list(_row(child, depth + 1))
        else:
            continue
        for part in parts:
            # What follows an exponent is no part of it.
            if len(row) and row[-1].tag not in _LEAVES and "".join(part.itertext())[:1].isalnum():
                row.append(etree.Element("mspace"))
            row.append(part)
    return row


def _leaf(text: str) -> etree._Element:
    leaf = etree.Element("mtext")
    leaf.text = text
    return leaf


def _of(tag: str, *children: etree._Element) -> etree._Element:
    element = etree.Element(tag)
    element.extend(children)
    return element


def _part(element: etree._Element, name: str, depth: int) -> etree._Element:
    return _row(element.find(f"{M}{name}"), depth)


def _value(element: etree._Element, path: str, default: str) -> str:
    found = element.find("/".join(f"{M}{name}" for name in path.split("/")))
    return str(found.get(f"{M}val", default)) if found is not None else default


def _scripts(tag: str, *names: str) -> Callable[[etree._Element, int], etree._Element]:
    return lambda it, depth: _of(tag, *(_part(it, name, depth) for name in names))


def _root(it: etree._Element, depth: int) -> etree._Element:
    degree = _part(it, "deg", depth)
    if _value(it, "radPr/degHide", "0") in ("1", "on", "true") or not "".join(degree.itertext()).strip():
        return _of("msqrt", _part(it, "e", depth))
    return _of("mroot", _part(it, "e", depth), degree)


def _large(it: etree._Element, depth: int) -> etree._Element:
    sign = _leaf(_value(it, "naryPr/chr", "∫"))
    over = _of("munderover", sign, _part(it, "sub", depth), _part(it, "sup", depth))
    return _of("mrow", over, etree.Element("mspace"), _part(it, "e", depth))


def _brackets(it: etree._Element, depth: int) -> etree._Element:
    row = _of("mrow", _leaf(_value(it, "dPr/begChr", "(")))
    for place, part in enumerate(it.findall(f"{M}e")):
        if place:
            row.append(_leaf(_value(it, "dPr/sepChr", "|")))
        row.append(_row(part, depth))
    row.append(_leaf(_value(it, "dPr/endChr", ")")))
    return row


def _function(it: etree._Element, depth: int) -> etree._Element:
    return _of("mrow", _part(it, "fName", depth), etree.Element("mspace"), _part(it, "e", depth))


def _matrix(it: etree._Element, depth: int) -> etree._Element:
    rows = it.findall(f"{M}mr")
    return _of("mtable", *(_of("mtr", *(_row(cell, depth) for cell in row.findall(f"{M}e"))) for row in rows))


def _equations(it: etree._Element, depth: int) -> etree._Element:
    row = etree.Element("mrow")
    for place, part in enumerate(it.findall(f"{M}e")):
        if place:
            row.extend((_leaf(";"), etree.Element("mspace")))
        row.append(_row(part, depth))
    return row


def _accent(it: etree._Element, depth: int) -> etree._Element:
    sign = _value(it, "accPr/chr", "\u0302")
    return _of("mover", _part(it, "e", depth), _leaf(_ACCENTS.get(sign, sign)))


def _prefixed(it: etree._Element, depth: int) -> etree._Element:
    return _of(
        "mmultiscripts",
        _part(it, "e", depth),
        etree.Element("mprescripts"),
        _part(it, "sub", depth),
        _part(it, "sup", depth),
    )


def _fraction(it: etree._Element, depth: int) -> etree._Element:
    if _value(it, "fPr/type", "bar") == "noBar":
        over = (etree.Element("mspace"), _leaf("over"), etree.Element("mspace"))
        return _of("mrow", _part(it, "num", depth), *over, _part(it, "den", depth))
    return _of("mfrac", _part(it, "num", depth), _part(it, "den", depth))


_PARTS: dict[str, Callable[[etree._Element, int], etree._Element]] = {
    f"{M}f": _fraction,
    f"{M}sSup": _scripts("msup", "e", "sup"),
    f"{M}sSub": _scripts("msub", "e", "sub"),
    f"{M}sSubSup": _scripts("msubsup", "e", "sub", "sup"),
    f"{M}limLow": _scripts("munder", "e", "lim"),
    f"{M}limUpp": _scripts("mover", "e", "lim"),
    f"{M}rad": _root,
    f"{M}nary": _large,
    f"{M}d": _brackets,
    f"{M}func": _function,
    f"{M}m": _matrix,
    f"{M}eqArr": _equations,
    f"{M}acc": _accent,
    f"{M}sPre": _prefixed,
}
