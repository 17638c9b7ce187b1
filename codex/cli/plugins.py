"""codex plugins: what installed packages add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from codex import plugins
from codex.cli import terminal
from codex.cli.scores import print_json
from codex.cli.terminal import printable
from codex.engines.added import added_engine
from codex.errors import PluginError
from codex.grading.added import added_grader
from codex.grounding.added import added_judge
from codex.plugins import Plugin
from codex.safety.rules import added_rule
from codex.signals.added import failures
from codex.training.agents import added_agent
from codex.training.own_models import added_model, added_tokenizer
from codex.training.rewards import added_reward

LOADED: dict[plugins.Kind, Callable[[str], object]] = {
    "graders": added_grader,
    "judges": added_judge,
    "engines": added_engine,
    "rewards": added_reward,
    "agents": added_agent,
    "models": added_model,
    "tokenizers": added_tokenizer,
    "rules": added_rule,
}


def list_plugins(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what installed packages add, such as signals or rewards, and what does not load."""
    found = [plugin for kind in plugins.KINDS for plugin in plugins.found(kind)]
    rows = [(plugin, _problem(plugin)) for plugin in found]
    if as_json:
        print_json(
            [
                {"kind": each.kind, "name": each.name, "package": each.package, "error": why or None}
                for each, why in rows
            ]
        )
        return
    if not rows:
        terminal.console().print(
            "No installed package adds anything. docs/plugins.md tells how to write one."
        )
        return
    table = Table("kind", "name", "package", "state", box=None)
    for plugin, why in rows:
        told = (plugin.name, plugin.package, why or "works")
        table.add_row(plugins.KINDS[plugin.kind], *(Text(printable(each)) for each in told))
    terminal.console().print(table)


def _problem(plugin: Plugin) -> str:
    """Why it does not load; "": it does."""
    if plugin.kind == "signals":
        why = failures().get(plugin)
        return str(why) if why else ""
    try:
        LOADED[plugin.kind](plugin.name)
    except PluginError as wrong:
        return str(wrong)
    return ""
