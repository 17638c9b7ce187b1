"""Packages that add something to Codex, installed for one test without pip: importlib finds a dist-info."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from codex import plugins
from codex.signals import REGISTRY, added

EXAMPLE = Path(__file__).parents[1] / "plugin_example"


def install(
    folder: Path, name: str, points: Mapping[str, Mapping[str, str]], version: str = "0.1.0", **modules: str
) -> None:
    """Write a package into a folder that is on sys.path. points: name and target by kind."""
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = [
        "\n".join([f"[codex.{kind}]", *(f"{key} = {target}" for key, target in each.items())])
        for kind, each in points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")


@contextmanager
def packages(*folders: Path) -> Iterator[None]:
    """With these folders on sys.path; afterwards nothing of them is left."""
    path, modules, signals = list(sys.path), set(sys.modules), dict(REGISTRY)
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in sys.modules.keys() - modules:
            if any(str(getattr(sys.modules[name], "__file__", "")).startswith(str(it)) for it in folders):
                del sys.modules[name]
        REGISTRY.clear()
        REGISTRY.update(signals)
        plugins.forget()
        added.forget()
