"""What people call a run, a calibrator or a policy; its id or version stays what it is."""

from __future__ import annotations

from codex.errors import InvalidInput

MAX_NAME = 80
"""Characters."""


def checked_name(name: str, what: str) -> str:
    """A name as it is kept. what: it is the name of. Raises InvalidInput."""
    stripped = name.strip()
    if not stripped or len(stripped) > MAX_NAME or not stripped.isprintable():
        raise InvalidInput(
            f"The {what} needs a name of 1 to {MAX_NAME} characters, without line breaks.", ["name"]
        )
    return stripped


def titled(name: str, version: str) -> str:
    """A version under its name: NAME@HASH alone until it was renamed, then with the new name before it."""
    return version if version.startswith(f"{name}@") else f"{name} ({version})"
