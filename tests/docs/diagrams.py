"""Diagrams of the documents as SVG, made when the site is built: no reader's browser runs Mermaid."""

from __future__ import annotations

import re
from itertools import count

import mermaidx

LAYOUT = {"flowchart": {"rankSpacing": 24, "nodeSpacing": 22, "padding": 8, "wrappingWidth": 420}}
"""Denser than Mermaid's own, so that a chart fits the text's width."""
_numbers = count()


def as_svg(source: str, *_given: object, **_more: object) -> str:
    """What stands for a fence of Mermaid: its drawing, in the colours of `docs/site.css`.

    Called by superfences, with more than is needed here. Raises where Mermaid cannot read the source.
    """
    drawn = mermaidx.render(source, config=LAYOUT).svg()
    drawn = re.sub(r"<style>.*?</style>", "", drawn, flags=re.DOTALL)
    return f'<div class="diagram">{drawn.replace("my-svg", f"diagram-{next(_numbers)}")}</div>'
