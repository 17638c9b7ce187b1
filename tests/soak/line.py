"""One line of the campaign's table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A metric, what is wanted of it, and what it reached."""

    part: str
    name: str
    wanted: str
    """Empty: nothing."""
    value: float
    reached: bool
    unit: str = ""

    @classmethod
    def at_most(cls, part: str, name: str, most: float, value: float, unit: str = "") -> Line:
        """A metric that is not to be larger."""
        return cls(part, name, f"at most {most:g}", value, value <= most, unit)

    @classmethod
    def at_least(cls, part: str, name: str, least: float, value: float, unit: str = "") -> Line:
        """A metric that is not to be smaller."""
        return cls(part, name, f"at least {least:g}", value, value >= least, unit)

    @classmethod
    def told(cls, part: str, name: str, value: float, unit: str = "") -> Line:
        """A metric of which nothing is wanted."""
        return cls(part, name, "", value, True, unit)
