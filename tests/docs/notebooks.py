"""Notebooks of the documents, run without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"


def cells_of(name: str) -> list[dict[str, Any]]:
    """The cells of a notebook in docs/."""
    found: list[dict[str, Any]] = json.loads((DOCS / name).read_text(encoding="utf-8"))["cells"]
    return found


def kept_output(cells: list[dict[str, Any]]) -> list[str]:
    """The ids of the cells that are stored with what they printed."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    return [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None]


def run(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """What the cells define, run one after another."""
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    return names
