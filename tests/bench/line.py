"""One line of the table: a bound that was asked for, beside the figure that was got."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A figure that should be at most `bound`, or at least that."""

    name: str
    bound: float
    got: float
    unit: str
    how: str
    spread: tuple[float, float] | None = None
    """Smallest and largest single figure."""
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.got >= self.bound if self.at_least else self.got <= self.bound

    @property
    def asked(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g} {self.unit}".strip()

    @property
    def shown(self) -> str:
        spread = "" if self.spread is None else f" [{self.spread[0]:z.3g}, {self.spread[1]:z.3g}]"
        return f"{self.got:z.3g}{spread} {self.unit}".strip()


def ratio(
    name: str, bound: float, how: str, ours: Callable[[], float], other: Callable[[], float], rounds: int
) -> Line:
    """The median of ours / other over pairs that run in turn, after one round that does not count."""
    ours(), other()
    pairs = [
        (ours(), other()) if turn % 2 == 0 else tuple(reversed((other(), ours()))) for turn in range(rounds)
    ]
    ratios = [a / b for a, b in pairs]
    return Line(name, bound, statistics.median(ratios), "x", how, (min(ratios), max(ratios)))


def median(name: str, bound: float, unit: str, how: str, figures: list[float]) -> Line:
    """The median of single figures."""
    return Line(name, bound, statistics.median(figures), unit, how, (min(figures), max(figures)))
