"""Where the files are that Codex reads besides its code: in the wheel, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def checkout() -> Path | None:
    """The folder of the checkout that this code runs from; None where it is installed."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "pages").is_dir() else None


def resources(name: str) -> Path:
    """The folder `name` (assets, datasets) of a checkout, or what an installed Codex has of it."""
    return (checkout() or _PACKAGE / "resources") / name
