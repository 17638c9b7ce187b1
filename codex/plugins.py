"""Plug-ins: what installed packages, or modules of one's own, add to Codex."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from codex.errors import PluginError
from codex.text import nearest

Kind = Literal[
    "signals", "graders", "judges", "engines", "rewards", "agents", "models", "tokenizers", "rules"
]
KINDS: dict[Kind, str] = {
    "signals": "signal",
    "graders": "grader",
    "judges": "judge",
    "engines": "engine",
    "rewards": "reward",
    "agents": "agent",
    "models": "model",
    "tokenizers": "tokenizer",
    "rules": "rule",
}
"""Each kind, and what one of it is called. Entry points are in the group `codex.` + kind."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed package, or an object of a module that somebody named."""

    kind: Kind
    name: str
    """What settings and options take."""
    target: str
    """`module:object`, or of signals a module alone."""
    package: str
    """Name and version, "codex-hedging 0.1.0"; of a module of one's own its name and a hash of its file."""
    installed: bool = True
    """It is of a package; False: of a module of one's own."""

    @property
    def remedy(self) -> str:
        """What to do about one that fails."""
        if not self.installed:
            return f"Correct it, or do not name {self.target}."
        name = self.package.partition(" ")[0]
        return f"Update the package, or remove it: pip uninstall {name}."

    def error(self, problem: str) -> PluginError:
        """An error that names the plug-in, its package, and what to do."""
        return PluginError(
            f"The {KINDS[self.kind]} {self.name!r} of {self.package} {problem}. {self.remedy}", [self.name]
        )


registered: dict[str, str] = {}
"""The signals of plug-ins that are in the register, and the package of each."""
_taken: dict[tuple[Kind, str], Plugin] = {}


def found(kind: Kind) -> tuple[Plugin, ...]:
    """Of installed packages, by name, then what `take` took. Nothing of them is imported."""
    taken = (each for (of, _), each in _taken.items() if of == kind)
    return (*_installed(kind, tuple(sys.path)), *taken)


def names(kind: Kind) -> tuple[str, ...]:
    """The names of those that are found, each once."""
    return tuple(dict.fromkeys(each.name for each in found(kind)))


def is_target(name: str) -> bool:
    """Whether a name is a `module:object`."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def take(kind: Kind, target: str) -> Plugin:
    """Let `target`, a `module:object`, go by its own name in this process; it is not imported yet.

    This is what lets a user's code run: only settings and options of this machine's command line may be
    passed here, and never what came over HTTP. Raises PluginError.
    """
    if not is_target(target):
        raise PluginError(f"{target!r} is no module:object, such as my_module:my_object.", [target])
    return _taken.setdefault((kind, target), Plugin(kind, target, target, target.partition(":")[0], False))


def load(kind: Kind, name: str) -> tuple[Plugin, object]:
    """The plug-in of that name, one that is found, and its object. Raises PluginError."""
    there = [each for each in found(kind) if each.name == name]
    if not there:
        known = names(kind)
        raise PluginError(f"No package adds the {KINDS[kind]} {name!r}{nearest(name, known)}", [name])
    plugin = there[0]
    if len(there) > 1:
        both = " and ".join(each.package for each in there)
        raise PluginError(f"{both} both add the {KINDS[kind]} {name!r}: uninstall one of them.", [name])
    return plugin, imported(plugin)


def imported(plugin: Plugin) -> object:
    """The object of a plug-in, whose module is imported. Raises PluginError, whatever the module raises."""
    module, _, attribute = plugin.target.partition(":")
    try:
        value: object = importlib.import_module(module)
        for part in attribute.split(".") if attribute else ():
            if not hasattr(value, part):
                known = [name for name in dir(value) if not name.startswith("_")]
                raise plugin.error(f"is not there: {module} has no {attribute!r}{_near(part, known)}")
            value = getattr(value, part)
    except PluginError:
        raise
    except (Exception, SystemExit) as wrong:
        why = f"{type(wrong).__name__}: {wrong}" if str(wrong) else type(wrong).__name__
        raise plugin.error(f"cannot be loaded: {why.rstrip('.')}") from wrong
    return value


def _near(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return "" if near == "." else f" ({near.removeprefix('; ')})"


def forget() -> None:
    """Nothing was taken, and no signal is registered, as when the process began."""
    registered.clear()
    _taken.clear()
    _installed.cache_clear()


def package_of(module: str) -> str:
    """The package that a module's objects count to: "" for Codex itself, else as `Plugin.package`."""
    top = module.partition(".")[0]
    if top == "codex":
        return ""
    for kind in KINDS:
        for each in _installed(kind, tuple(sys.path)):
            if each.target.partition(":")[0].partition(".")[0] == top:
                return each.package
    file = getattr(sys.modules.get(module), "__file__", None)
    content = Path(file).read_bytes() if file and Path(file).is_file() else b""
    return f"{module}@{hashlib.sha256(content).hexdigest()[:10]}"


@lru_cache(maxsize=16)
def _installed(kind: Kind, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """path: sys.path, so that what is installed later is found; a scan takes 15 ms."""
    plugins = (
        Plugin(kind, each.name, each.value.replace(" ", ""), f"{each.dist.name} {each.dist.version}")
        for each in entry_points(group=f"codex.{kind}")
        if each.dist is not None
    )
    return tuple(sorted(plugins, key=lambda plugin: (plugin.name, plugin.package)))
