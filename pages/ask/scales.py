"""The one colour scale of the house: five steps from confident to unsure, and what each stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """How a token's value falls into the five steps; step 0 is the most confident and is not coloured."""

    field: str
    """Which value of a token."""
    legend: str
    unit: str
    edges: tuple[float, float, float, float]
    """The borders between the steps, the most confident first; a value on one belongs to the step above."""
    falling: bool
    """Whether lower values are less confident."""

    @property
    def captions(self) -> tuple[str, ...]:
        """A short name for each step."""
        more, less = ("≥", "<") if self.falling else ("≤", ">")
        return (*(f"{more} {edge:g}" for edge in self.edges), f"{less} {self.edges[-1]:g}")


SCALES = {
    "probability": Scale("p", "probability", "", (0.9, 0.7, 0.5, 0.3), falling=True),
    # 2.5 nats is the default gate's border; the others divide what lies below it.
    "entropy": Scale("entropy", "entropy, nats", "nats", (0.5, 1.0, 1.75, 2.5), falling=False),
    "rank": Scale("rank", "rank among all tokens", "", (1, 2, 3, 5), falling=False),
}
"""What the heatmap can be coloured by."""
