"""Diagrams of the documents as SVG, made when the site is built: no reader's browser runs Mermaid."""

from __future__ import annotations

import re
from itertools import count

import mermaidx

_numbers = count()


def as_svg(source: str, *_given: object, **_more: object) -> str:
    """What stands for a fence of Mermaid: its drawing, in the colours of `docs/site.css`.

    Called by superfences, with more than is needed here. Raises where Mermaid cannot read the source.
    """
    drawn = re.sub(r"<style>.*?</style>", "", mermaidx.render(source).svg(), flags=re.DOTALL)
    return f'<div class="diagram">{drawn.replace("my-svg", f"diagram-{next(_numbers)}")}</div>'
