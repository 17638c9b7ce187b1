"""Renders MathML as a line of text: E=mc^2, (a+1)/b, √x, ∑_(i=1)^n."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.raised import grouped

DEEPEST = 60
"""Nested elements; deeper ones are reduced to their bare text."""

_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b\ufeff"))
_OMITTED = frozenset(
    {"annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark", "none", "mprescripts"}
)
_ACCENTS = frozenset("¯‾^~→˙˙¨ˆ˜⃗_")


def math_text(element: etree._Element, depth: int = 0) -> str:
    """The text of a math element or a part of one."""
    tag = _name(element)
    if not tag or tag in _OMITTED:
        return ""
    if depth > DEEPEST:
        return " ".join("".join(element.itertext()).split())
    if tag in ("mi", "mn", "mo", "mtext", "ms"):
        return " ".join("".join(element.itertext()).translate(_INVISIBLE).split())
    parts = [(child, math_text(child, depth + 1)) for child in element if isinstance(child.tag, str)]
    if tag == "semantics":
        return parts[0][1] if parts else ""
    if tag == "mmultiscripts":
        return _multiscripts(element, [text for _, text in parts])
    texts = [text for child, text in parts if _name(child) not in _OMITTED or _name(child) == "none"]
    if tag in _SCHEMES:
        return _SCHEMES[tag](texts)
    if tag == "mfenced":
        return f"{element.get('open', '(')}{', '.join(texts)}{element.get('close', ')')}"
    if tag == "mspace":
        return " "
    if not texts:
        return " ".join((element.text or element.get("alttext") or "").split())
    return _row(texts)


def _name(element: etree._Element) -> str:
    """Without a prefix; "" of a comment."""
    return element.tag.lower().rpartition(":")[2] if isinstance(element.tag, str) else ""


def _row(texts: list[str]) -> str:
    """Side by side; a space where two numbers, a word or an exponent would run into what follows."""
    joined, before = "", ""
    for text in filter(None, texts):
        meet = before[-1:].isalnum() and text[0].isalnum()
        digits = before[-1:].isdigit() and text[0].isdigit()
        words = (before[-2:].isalpha() and len(before) > 1) or (text[:2].isalpha() and len(text) > 1)
        scripts = "^" in before or "_" in before
        joined += f" {text}" if meet and (digits or words or scripts) else text
        before = text
    return joined


def _at(texts: list[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _scripts(base: str, below: str, above: str) -> str:
    below = f"_{grouped(below)}" if below else ""
    above = f"^{grouped(above)}" if above and above not in ("′", "″", "*") else above
    return f"{grouped(base) if above.startswith('^') and len(base) > 1 else base}{below}{above}"


def _over(texts: list[str]) -> str:
    base, above = _at(texts, 0), _at(texts, 1)
    return f"{base}{above}" if above in _ACCENTS else _scripts(base, "", above)


def _fraction(texts: list[str]) -> str:
    return f"{grouped(_at(texts, 0))}/{grouped(_at(texts, 1))}"


def _root(texts: list[str]) -> str:
    base, degree = grouped(_at(texts, 0)), _at(texts, 1)
    return {"3": "∛", "4": "∜"}.get(degree, f"({degree})√") + base


def _multiscripts(element: etree._Element, texts: list[str]) -> str:
    """Isotopes and tensors: what stands before the base comes first."""
    names = [_name(child) for child in element if isinstance(child.tag, str)]
    split = names.index("mprescripts") if "mprescripts" in names else len(names)
    after, ahead = texts[1:split], texts[split + 1 :]
    base = _scripts(_at(texts, 0), "".join(after[::2]), "".join(after[1::2]))
    return _scripts("", "".join(ahead[::2]), "".join(ahead[1::2])) + base if ahead else base


_SCHEMES: dict[str, Callable[[list[str]], str]] = {
    "msup": lambda it: _scripts(_at(it, 0), "", _at(it, 1)),
    "msub": lambda it: _scripts(_at(it, 0), _at(it, 1), ""),
    "msubsup": lambda it: _scripts(_at(it, 0), _at(it, 1), _at(it, 2)),
    "munder": lambda it: _scripts(_at(it, 0), _at(it, 1), ""),
    "mover": _over,
    "munderover": lambda it: _scripts(_at(it, 0), _at(it, 1), _at(it, 2)),
    "mfrac": _fraction,
    "msqrt": lambda it: f"√{grouped(_row(it))}",
    "mroot": _root,
    "mtable": lambda it: f"[{'; '.join(it)}]",
    "mtr": lambda it: ", ".join(it),
    "mlabeledtr": lambda it: ", ".join(it[1:]),
}
