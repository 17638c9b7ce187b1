"""The settings: whether they can be read, and which differ from the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codex.doctor.findings import Finding, masked

if TYPE_CHECKING:
    from codex.settings import Settings

SECRET = ("key", "password", "secret", "token")
"""How the name of a setting ends that is never shown."""
PRIVATE = ("monitoring.webhook", "store.events")
"""Addresses that let one in."""
HIDDEN = "***"


def check_settings(overrides: Sequence[str]) -> Finding:
    """Whether the settings given are valid."""
    from codex.errors import CodexError
    from codex.settings import load_settings

    try:
        settings = load_settings(overrides)
    except CodexError as error:
        said = _without_values(str(error), overrides)
        return Finding("settings", "fail", said, "Correct the setting, or leave it out.")
    changed = differing(settings, load_settings())
    shown = ", ".join(f"{key}={value}" for key, value in changed.items())
    return Finding("settings", "ok", shown or "the defaults", "", {"changed": changed})


def usable_settings(overrides: Sequence[str]) -> Settings:
    """The settings given, or the defaults where those cannot be read. Raises CodexError."""
    from codex.errors import CodexError
    from codex.settings import load_settings

    try:
        return load_settings(overrides)
    except CodexError:
        return load_settings()


def differing(settings: Settings, defaults: Settings) -> dict[str, Any]:
    """What is set otherwise, by key; secrets are hidden."""
    given, usual = (_flat(each.model_dump(mode="json")) for each in (settings, defaults))
    return {
        key: _shown(key, value) for key, value in given.items() if key not in usual or usual[key] != value
    }


def _without_values(text: str, overrides: Sequence[str]) -> str:
    """A message without the values given that may be secret."""
    for override in overrides:
        key, _, value = override.partition("=")
        if value and (key.endswith(SECRET) or key in PRIVATE or "://" in value):
            text = text.replace(value.strip("\"'"), HIDDEN)
    return masked(text)


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix[:-1]: node}
    return {
        key: value for name, each in node.items() for key, value in _flat(each, f"{prefix}{name}.").items()
    }


def _shown(key: str, value: Any) -> Any:
    if value is not None and key.endswith(SECRET):
        return HIDDEN
    if key == "monitoring.webhook" and isinstance(value, str):  # Its path is often what lets one in.
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname}/{HIDDEN}"
    if isinstance(value, list):
        return [_shown(key, each) for each in value]
    return masked(value.partition("?")[0]) if isinstance(value, str) and "://" in value else value
