"""The tables and lists in the documents, made from the code: `python -m codex.cli.reference` writes them."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from codex.ask.workbench import Workbench
from codex.calibration.glossary import metrics_table
from codex.cli.main import program
from codex.engines import EngineName
from codex.server import create_app
from codex.server.scopes import needed
from codex.settings import load_settings
from codex.signals import REGISTRY, signals_table
from codex.training.config import keys

DOCS = Path(__file__).parents[2] / "docs"

DEPENDS = {
    "home": "`CODEX_HOME`, or `~/.local/share/codex`",
    "engine.threads": "the cores there are, at most 4",
}
"""Defaults that are not the same on every machine."""


def settings_table() -> str:
    """Every setting as a Markdown table: key, default, meaning."""
    rows = {
        key: f"| `{key}` | {DEPENDS.get(key, default)} | {meaning} |"
        for key, (default, meaning) in settings().items()
    }
    return "\n".join(
        ["| setting | default | what it is |", "| --- | --- | --- |", *(rows[k] for k in sorted(rows))]
    )


def settings() -> dict[str, tuple[str, str]]:
    """Every setting of every engine by its key: its default as it is shown, and its meaning."""
    found: dict[str, tuple[str, str]] = {}
    for engine in get_args(EngineName):
        for key, default, meaning in _settings(load_settings([f"engine={engine}"])):
            found.setdefault(key, (default, meaning))
    return found


def training_table() -> str:
    """Every setting of a training as a Markdown table."""
    rows = [f"| `{key}` | {_shown(default)} | {meaning} |" for key, (default, meaning) in keys().items()]
    return "\n".join(["| setting | default | what it is |", "| --- | --- | --- |", *rows])


def formulas() -> str:
    """How each signal is computed, with its range, as the docstrings of the functions say."""
    return "\n".join(
        f"- `{each.name}`: {' '.join((each.measure.__doc__ or '').split())}"
        for each in REGISTRY.values()
        if each.form == "whole" and not each.package
    )


def commands() -> str:
    """Every command of the shell with its arguments and options, as Markdown."""
    sections = []
    for path, command, context in every_command():
        text = "\n\n".join(" ".join(each.split()) for each in (command.help or "").split("\n\n"))
        sections.append(f"{'#' * min(len(path), 3)} {' '.join(path)}\n\n{text.strip()}")
        if not getattr(command, "commands", None):
            sections.append(f"    {' '.join([*path, *command.collect_usage_pieces(context)])}")
        shown = [param.get_help_record(context) for param in command.params]
        sections.append(
            "\n".join(f"- `{name}`{f': {text}' if text else ''}" for name, text in filter(None, shown))
        )
    return "\n\n".join(filter(None, sections)) + "\n"


def every_command() -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Each command and group below `codex` that help shows: its path, itself, and its context."""

    def walk(path: tuple[str, ...], command: Any, parent: Any) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
        context = command.context_class(command, info_name=path[-1], parent=parent)
        if len(path) > 1:
            yield path, command, context
        for name, each in getattr(command, "commands", {}).items():
            if not each.hidden:
                yield from walk((*path, name), each, context)

    yield from walk(("codex",), program(), None)


def routes_table() -> str:
    """Every route of HTTP as Markdown; made from an application over an empty home."""
    with tempfile.TemporaryDirectory() as home, closing(Workbench.open([f"home={home}"])) as workbench:
        return routes(create_app(workbench).openapi())


def routes(document: Mapping[str, Any]) -> str:
    """The routes of an OpenAPI document, a table for each subject, with the scope that each needs."""
    rows: dict[str, list[str]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            scope = needed(method.upper(), path, operation["tags"])
            said = " ".join(operation["description"].split("\n\n")[0].split())
            rows[operation["tags"][0]].append(
                f"| `{method.upper()} {path}` | {f'`{scope}`' if scope else 'none'} "
                f"| {operation['summary']}. {said} |"
            )
    head = "| request | scope | what it does |\n| --- | --- | --- |\n"
    return "\n\n".join(f"## {tag}\n\n{head}" + "\n".join(rows[tag]) for tag in rows) + "\n"


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "training": training_table,
    "signals": signals_table,
    "formulas": formulas,
    "metrics": metrics_table,
    "commands": commands,
    "routes": routes_table,
}
"""What stands between the markers of each name."""
_GENERATED = re.compile(r"(<!-- (\w+): generated -->\n)(.*?)(<!-- \2: end -->)", re.DOTALL)


def generated(text: str) -> dict[str, str]:
    """What stands between the markers of a page, by name."""
    return {name: inside for _, name, inside, _ in _GENERATED.findall(text)}


def with_tables(text: str) -> str:
    """A page with what stands between each pair of markers written from the code. Raises KeyError."""
    return _GENERATED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[4]}", text)


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
    for page in sorted(DOCS.rglob("*.md")):
        page.write_text(with_tables(page.read_text()))
