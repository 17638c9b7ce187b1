"""Numbers that people type into the fields of a form; what is none is said under the field's label."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from codex.errors import InvalidInput
from codex.pages import JSON
from codex.settings import MAX_SAMPLES


@dataclass(frozen=True, slots=True)
class Field:
    """A field for a number."""

    label: str
    """As it stands on the pages."""
    low: float
    high: float
    whole: bool = True

    @property
    def bounds(self) -> str:
        """What may be typed, in words."""
        kind = "a whole number" if self.whole else "a number"
        most = f"{self.low:,} to {self.high:,}" if self.high < inf else f"{self.low:,} up"
        return f"{kind} from {most}"


FIELDS = {
    "n_samples": Field("Samples", 1, MAX_SAMPLES),
    "sample_temperature": Field("Temperature", 0, 5, whole=False),
    "max_tokens": Field("Max tokens", 1, 8192),
    "seed": Field("Seed", 0, 2**32 - 1),
    "limit": Field("Limit", 1, inf),
    "more": Field("More questions", 1, inf),
}
"""By the names that the forms send."""
LIMITS = {name: (field.low, field.high) for name, field in FIELDS.items() if field.high < inf}


def optional(form: JSON, name: str) -> Any:
    """What was typed into a field; None where it is empty. Raises InvalidInput."""
    field, value = FIELDS[name], form.get(name)
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    try:
        typed = int(text) if field.whole else float(text)
    except ValueError:
        typed = -inf
    if not field.low <= typed <= field.high or typed == inf:
        raise InvalidInput(f"{field.label} must be {field.bounds}, not {text!r}.", [name])
    return typed


def needed(form: JSON, name: str) -> Any:
    """What was typed into a field that may not be empty. Raises InvalidInput."""
    typed = optional(form, name)
    if typed is None:
        raise InvalidInput(f"{FIELDS[name].label} is empty: type {FIELDS[name].bounds}.", [name])
    return typed
