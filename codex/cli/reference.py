"""The tables in the documents, made from the code: `python -m codex.cli.reference` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from codex.calibration.glossary import metrics_table
from codex.engines import EngineName
from codex.settings import load_settings
from codex.signals import signals_table
from codex.training.config import keys

README = Path(__file__).parents[2] / "README.md"
TRAINING = README.parent / "docs" / "training.md"


DEPENDS = {
    "home": "`CODEX_HOME`, or `~/.local/share/codex`",
    "engine.threads": "the cores there are, at most 4",
}
"""Defaults that are not the same on every machine."""


def settings_table() -> str:
    """Every setting as a Markdown table: key, default, meaning."""
    rows: dict[str, str] = {}
    for engine in get_args(EngineName):
        for key, default, meaning in _settings(load_settings([f"engine={engine}"])):
            rows.setdefault(key, f"| `{key}` | {DEPENDS.get(key, default)} | {meaning} |")
    return "\n".join(
        ["| setting | default | what it is |", "| --- | --- | --- |", *(rows[k] for k in sorted(rows))]
    )


def training_table() -> str:
    """Every setting of a training as a Markdown table."""
    rows = [f"| `{key}` | {_shown(default)} | {meaning} |" for key, (default, meaning) in keys().items()]
    return "\n".join(["| setting | default | what it is |", "| --- | --- | --- |", *rows])


def with_tables(text: str) -> str:
    """The README with the table between each pair of markers written from the code."""
    for name, table in (
        ("settings", settings_table()),
        ("signals", signals_table()),
        ("metrics", metrics_table()),
    ):
        text = _with_table(text, name, table)
    return text


def _with_table(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{table}\n{end}{after}"


def _settings(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _shown(value), " ".join((field.description or "").split())


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(str(item) for item in value) or "none"
    return "none" if value in (None, "") else f"`{value}`"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
    TRAINING.write_text(_with_table(TRAINING.read_text(), "training", training_table()))
