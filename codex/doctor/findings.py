"""What a check finds, and running all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]
"""fail: Codex, or what is set, does not work; warn: it works, but not as it could."""
AT_ONCE = 8
"""Checks that run at once: some wait for a server."""
_PASSWORD = re.compile(r"://[^/@\s'\"]+@")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. Nothing in it is a secret."""

    name: str
    """Of what was checked."""
    state: State
    found: str
    remedy: str = ""
    """What to do; "" where nothing is wrong."""
    details: dict[str, Any] = field(default_factory=dict)
    """More, for machines."""


Check = Callable[[], Finding]


def examine(checks: Iterable[tuple[str, Check]]) -> list[Finding]:
    """The findings of all checks, in their order; one that breaks is a finding too."""
    with ThreadPoolExecutor(AT_ONCE, "codex-doctor") as threads:
        return list(threads.map(lambda check: _found(*check), checks))


def _found(name: str, check: Check) -> Finding:
    try:
        return check()
    except Exception as error:
        said = masked(f"{type(error).__name__}: {error}")
        missing = isinstance(error, ImportError)
        remedy = (
            "Install Codex again: pip install --force-reinstall codex-workbench."
            if missing
            else "This is a fault of the check itself: report it with this line."
        )
        return Finding(name, "fail", f"cannot be checked: {said}", remedy)


def masked(text: str) -> str:
    """The text without the names and passwords of its addresses."""
    return _PASSWORD.sub("://***@", text)


def size(count: int) -> str:
    """Bytes, for a person."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
