"""The register of signals: what each is called, means, needs and comes from."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from codex import plugins
from codex.errors import PluginError
from codex.signals.view import Need, View
from codex.types import Observation

Form = Literal["whole", "focus"]
Measure = Callable[[View], float | None]


@dataclass(frozen=True, slots=True)
class Signal:
    """One measure of how sure a model is, over the whole answer or over its focus."""

    name: str
    label: str
    """For people: a few words."""
    meaning: str
    """One plain sentence."""
    unit: str
    """Empty for a pure number."""
    needs: frozenset[Need]
    """What an observation must hold; without it the signal is missing."""
    source: str
    higher_is_confident: bool
    scale: tuple[float, float]
    """Where values usually lie, for a bar; values may lie outside."""
    form: Form
    measure: Measure
    package: str = ""
    """Of the plug-in that it comes from, as `plugins.Plugin.package`; "": it ships with Codex."""


REGISTRY: dict[str, Signal] = {}
"""Every signal by its name, in the order they are shown; those of plug-ins come last."""
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_failed: set[str] = set()
"""Signals of plug-ins of which a failure was told."""

log = logging.getLogger(__name__)


def signal(
    name: str,
    *,
    label: str,
    meaning: str,
    unit: str = "",
    forms: tuple[Form, ...] = ("whole", "focus"),
    needs: set[Need],
    source: str,
    higher_is_confident: bool,
    scale: tuple[float, float],
) -> Callable[[Measure], Measure]:
    """Register a function as `name` (whole answer) and `name_focus` (the answer's focus).

    forms: what is not measured on the answer's words has only the whole one. The function is called only
    on a view that has what it needs; it may still give None. Raises PluginError for a name that is taken, or
    not of lower-case letters, digits and _.
    """
    keys = {form: name if form == "whole" else f"{name}_focus" for form in forms}
    for key in keys.values():
        if not _NAME.fullmatch(name) or name.endswith("_focus"):
            raise PluginError(f"{name!r} is no name of a signal: write a-z, 0-9 and _, no _focus.", [name])
        if key in REGISTRY:
            owner = REGISTRY[key].package or "Codex"
            raise PluginError(f"There is a signal {key!r} already, of {owner}: give it another name.", [name])

    def register(measure: Measure) -> Measure:
        package = plugins.package_of(measure.__module__)
        for form, key in keys.items():
            if package:
                plugins.registered[key] = package
            REGISTRY[key] = Signal(
                key,
                label if form == "whole" else f"{label} (focus)",
                meaning,
                unit,
                frozenset(needs),
                source,
                higher_is_confident,
                scale,
                form,
                measure,
                package,
            )
        return measure

    return register


def label_of(name: str) -> str:
    """What people call a signal; of one that is not in the register its own name."""
    return REGISTRY[name].label if name in REGISTRY else name


def compute(observation: Observation) -> dict[str, float | None]:
    """Every signal of the register; None where the observation does not hold what it needs.

    No value is ever NaN or infinite.
    """
    views: dict[Form, View] = {"whole": View.whole(observation), "focus": View.focus(observation)}
    return {name: _measured(signal, views[signal.form]) for name, signal in REGISTRY.items()}


def _measured(signal: Signal, view: View) -> float | None:
    if not signal.needs <= view.has:
        return None
    try:
        value = signal.measure(view)
    except Exception as wrong:
        if not signal.package:
            raise
        if signal.name not in _failed:
            _failed.add(signal.name)
            log.warning(
                "The signal %r of %s failed, and is missing: %s: %s",
                *(signal.name, signal.package, type(wrong).__name__, wrong),
            )
        return None
    if value is None or not math.isfinite(value):
        return None
    return value + 0.0  # Minus zero would be shown with its sign.


def signals_table() -> str:
    """The signals that ship as a Markdown table, one row a signal; both forms share a row."""
    rows = [
        f"| `{s.name}` | {s.meaning} | {s.unit or '-'} | {'higher' if s.higher_is_confident else 'lower'} "
        f"| {'yes' if f'{s.name}_focus' in REGISTRY else '-'} "
        f"| {', '.join(sorted(s.needs))} | {s.source} |"
        for s in REGISTRY.values()
        if s.form == "whole" and not s.package
    ]
    head = [
        "| signal | meaning | unit | confident when | `_focus` | needs | source |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join(head + rows)
