"""The graders that plug-ins add."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from codex import plugins
from codex.items import Item
from codex.plugins import Plugin

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AddedGrader:
    """A function `(item, text) -> score` of a plug-in."""

    plugin: Plugin
    measure: Callable[[Item, str], object]
    above: float
    """The score above which an answer is correct: the function's attribute `above`, else 0.5."""

    def score(self, item: Item, text: str) -> float:
        """In [0, 1]; NaN where it could not tell. One that fails could not tell; a warning says so."""
        try:
            score = float(cast(float, self.measure(item, text)))
        except Exception as wrong:
            _told(self.plugin, f"{type(wrong).__name__}: {wrong}")
            return math.nan
        if not math.isnan(score) and not 0 <= score <= 1:
            _told(self.plugin, f"a score of {score:g} is not in [0, 1]")
            return math.nan
        return score


@lru_cache(maxsize=64)
def _of(plugin: Plugin) -> AddedGrader:
    _, measure = plugins.load("graders", plugin.name)
    if not callable(measure):
        raise plugin.error("is no function of a question and an answer")
    return AddedGrader(plugin, measure, float(getattr(measure, "above", 0.5)))


def added_grader(name: str) -> AddedGrader:
    """The grader of that name, one of `items.graders`. Raises PluginError."""
    return _of(next(each for each in plugins.found("graders") if each.name == name))


@lru_cache(maxsize=256)
def _told(plugin: Plugin, problem: str) -> None:
    log.warning("The grader %r of %s could not grade an answer: %s", plugin.name, plugin.package, problem)
