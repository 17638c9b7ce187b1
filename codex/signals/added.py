"""The signals that plug-ins add to the register."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from codex import plugins
from codex.errors import PluginError
from codex.plugins import Plugin
from codex.signals.registry import REGISTRY, Signal

log = logging.getLogger(__name__)

_lock = threading.Lock()
_done: dict[Plugin, PluginError | None] = {}
"""Those that were loaded, and why one could not be."""


def add_signals(targets: Sequence[str] = ()) -> None:
    """Register the signals of installed packages, and those of `targets`, each a `module:object`.

    A package whose signals cannot be loaded is named in a warning, once, and the rest works. targets: as for
    `plugins.take`. Raises PluginError for one of them.
    """
    with _lock:
        for plugin in plugins.found("signals"):
            if plugin.installed and (why := _added(plugin)) is not None:
                log.warning("%s", why)
        for target in targets:
            _added(plugins.take("signals", target))
            if why := _done[plugins.take("signals", target)]:
                raise why


def failures() -> dict[Plugin, PluginError]:
    """The plug-ins whose signals could not be loaded."""
    return {plugin: why for plugin, why in _done.items() if why is not None}


def forget() -> None:
    """Load every plug-in again, whatever was told of it."""
    _done.clear()


def _added(plugin: Plugin) -> PluginError | None:
    """Why it cannot be loaded; None also where that was told before."""
    if plugin in _done:
        return None
    before = set(REGISTRY)
    try:
        plugins.imported(plugin)
        if not any(_is_of(plugin, each) for each in REGISTRY.values()):
            raise plugin.error("registers none: decorate a function with codex.signals.signal")
    except PluginError as wrong:
        # A name that is taken is told by the register, which does not know whose it is.
        why = wrong if plugin.package in str(wrong) else plugin.error(f"cannot be added: {wrong}"[:-1])
        for name in REGISTRY.keys() - before:
            del REGISTRY[name], plugins.registered[name]
        _done[plugin] = why
        return why
    _done[plugin] = None
    return None


def _is_of(plugin: Plugin, signal: Signal) -> bool:
    """Whether it is defined in the plug-in's module, or beside it in its package."""
    top = plugin.target.partition(":")[0].partition(".")[0]
    return signal.measure.__module__.partition(".")[0] == top
