"""What is counted of the answers of an hour, a model and a policy, and where their numbers lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0)
"""Upper bounds of the counts of latencies; one more count holds what took longer."""
TENTHS = 10
"""Counts of confidences: below 0.1, below 0.2, …, up to 1."""
SINGLE = (
    *("answered", "deferred", "abstained", "retrievals", "reflections", "confident"),
    *("confidence_sum", "seconds_sum", "prompt_tokens", "answer_tokens", "sample_tokens"),
)


@dataclass(frozen=True, slots=True)
class Failed:
    """Questions that failed in an hour, by the error."""

    hour: datetime
    """Its beginning, in UTC."""
    model: str
    policy: str
    error: str
    """The name of the error's type."""
    count: int


@dataclass(frozen=True, slots=True)
class Rollup:
    """The answers of one model and policy, in one hour or in all."""

    hour: datetime | None
    """Its beginning, in UTC; None: over all hours."""
    model: str
    policy: str
    answered: int = 0
    deferred: int = 0
    abstained: int = 0
    retrievals: int = 0
    reflections: int = 0
    confident: int = 0
    """Answers with a confidence."""
    confidence_sum: float = 0.0
    seconds_sum: float = 0.0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    sample_tokens: int = 0
    seconds: tuple[int, ...] = (0,) * (len(SECONDS) + 1)
    """Answers by how long they took: up to each of SECONDS, and longer."""
    confidences: tuple[int, ...] = (0,) * TENTHS
    """Answers by their confidence, in tenths."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Questions that failed, by the name of the error's type."""

    @property
    def answers(self) -> int:
        """Questions that came to a decision."""
        return self.answered + self.deferred + self.abstained

    @property
    def failed(self) -> int:
        """Questions that failed."""
        return sum(self.failures.values())

    @property
    def questions(self) -> int:
        """All of them."""
        return self.answers + self.failed

    def share(self, count: int) -> float | None:
        """A count as a share of the answers; None without any."""
        return count / self.answers if self.answers else None

    @property
    def error_share(self) -> float | None:
        """Of the questions; None without any."""
        return self.failed / self.questions if self.questions else None

    @property
    def confidence(self) -> float | None:
        """The mean; None where no answer has one."""
        return self.confidence_sum / self.confident if self.confident else None

    @property
    def latency(self) -> float | None:
        """The mean, in seconds; None without any answer."""
        return self.seconds_sum / self.answers if self.answers else None

    def __add__(self, other: Rollup) -> Rollup:
        """Both together, under the names of this one."""
        failures = Counter(self.failures)
        failures.update(other.failures)
        counts: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in SINGLE}
        return replace(
            self,
            **counts,
            seconds=tuple(map(sum, zip(self.seconds, other.seconds, strict=True))),
            confidences=tuple(map(sum, zip(self.confidences, other.confidences, strict=True))),
            failures=dict(sorted(failures.items())),
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Which answers are looked at."""

    since: datetime | None = None
    """From then on; None: from the first."""
    until: datetime | None = None
    """Before then; None: up to the last."""
    model: str | None = None
    policy: str | None = None
    """A version."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where the values of one number lie, over the answers of a window."""

    n: int
    """Answers that have it."""
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Distributions:
    """Where every number lies."""

    answers: int
    """Of the window."""
    looked_at: int
    """The newest of them, MOST_ANSWERS at most."""
    signals: dict[str, Distribution]
    """Those that an answer has, as the first step of each measured them."""
    confidence: Distribution | None
    """Of the decision."""
    seconds: Distribution | None


@dataclass(frozen=True, slots=True)
class Retired:
    """What a deletion of old answers left."""

    deleted: int
    """Answers."""
    kept: int
    """Old answers that stay, since they have a label or wait for one in a queue."""
