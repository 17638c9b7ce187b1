"""The judges of evidence that plug-ins add."""

from __future__ import annotations

from typing import cast

from codex import plugins
from codex.grounding.judges import Judge, Thresholds


def added_judge(name: str) -> tuple[Judge, str]:
    """A judge of a plug-in by its name or `module:object`, and the package it is of. Raises PluginError.

    The plug-in gives a class, or a function, that takes nothing and makes a `Judge`. name: of the settings.
    """
    plugin, make = plugins.load("judges", name)
    if not callable(make):
        raise plugin.error("is no class of a judge")
    try:
        judge = make()
    except Exception as wrong:
        raise plugin.error(f"cannot be made: {type(wrong).__name__}: {wrong}") from wrong
    if not (
        callable(getattr(judge, "judge", None))
        and isinstance(getattr(judge, "name", None), str)
        and isinstance(getattr(judge, "thresholds", None), Thresholds)
    ):
        raise plugin.error("has not what codex.grounding.judges.Judge asks for: name, thresholds, judge()")
    return cast(Judge, judge), plugin.package
