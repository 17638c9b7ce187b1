"""What people call a run, a calibrator or a policy; its id or version stays what it is."""

from __future__ import annotations

import re

from codex.errors import InvalidInput

MAX_NAME = 80
"""Characters."""
NAME = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$"
"""No control characters, and not blank."""


def checked_name(name: str, what: str) -> str:
    """A name as it is kept. what: it is the name of. Raises InvalidInput."""
    stripped = name.strip()
    if len(name) > MAX_NAME or not re.fullmatch(NAME, name):
        raise InvalidInput(
            f"The {what} needs a name of 1 to {MAX_NAME} characters, without line breaks.", ["name"]
        )
    return stripped


def titled(name: str, version: str) -> str:
    """A version under its name: NAME@HASH alone until it was renamed, then with the new name before it."""
    return version if version.startswith(f"{name}@") else f"{name} ({version})"
