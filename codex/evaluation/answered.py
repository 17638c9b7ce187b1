"""How many questions get their answer, and how many of those answers are correct."""

from __future__ import annotations

from dataclasses import dataclass

from codex.calibration.metrics import wilson


@dataclass(frozen=True, slots=True)
class Answered:
    """Counts of graded questions."""

    questions: int
    answered: int
    correct: int
    """Of those answered."""

    @property
    def coverage(self) -> float:
        """Share of the questions that get their answer."""
        return self.answered / self.questions if self.questions else 0.0

    @property
    def accuracy(self) -> float | None:
        """Share correct of what is answered; None where nothing is."""
        return self.correct / self.answered if self.answered else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the accuracy, 95%, by Wilson's score; None where nothing is answered."""
        return wilson(self.correct, self.answered) if self.answered else None
