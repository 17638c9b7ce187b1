"""Two traces side by side: what they have in common, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from codex.types import Action, Trace


@dataclass(frozen=True, slots=True)
class Difference:
    """One number of both."""

    name: str
    """Of the signal, or "confidence"."""
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        """second - first; None where one is missing."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True, slots=True)
class TraceComparison:
    """How one trace differs from another."""

    same_question: bool
    """By its SHA-256."""
    same_answer: bool
    """What the models wrote, letter by letter."""
    same_model: bool
    same_policy: bool
    actions: tuple[Action, Action]
    differences: tuple[Difference, ...]
    """The confidence, then every signal that one of them has."""


def compare(first: Trace, second: Trace) -> TraceComparison:
    """What a change of model, policy or settings made of an answer."""
    one, other = first.last, second.last
    names = dict.fromkeys([*one.signals, *other.signals])
    signals = (Difference(name, one.signals.get(name), other.signals.get(name)) for name in names)
    return TraceComparison(
        same_question=first.question_sha256 == second.question_sha256,
        same_answer=one.observation.generation.text == other.observation.generation.text,
        same_model=first.model == second.model,
        same_policy=first.policy == second.policy,
        actions=(one.decision.action, other.decision.action),
        differences=(
            Difference("confidence", one.confidence.value, other.confidence.value),
            *(each for each in signals if (each.first, each.second) != (None, None)),
        ),
    )
