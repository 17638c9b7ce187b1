"""The questions of the demo, and what each is there to show."""

from __future__ import annotations

from dataclasses import dataclass

from codex.types import Action

MAX_TOKENS = 48
"""Of an answer: each fits, and a sample that loses itself ends soon."""


@dataclass(frozen=True, slots=True)
class Story:
    """A question and what becomes of it with the default model."""

    id: str
    question: str
    title: str
    """What it shows, in two or three words."""
    accepted: tuple[str, ...]
    """Correct answers; (): nobody can know one."""
    action: Action
    """What Codex decides in the end."""
    lesson: str
    """What is worth noticing, once the decision is there."""


STORIES = (
    Story(
        "knows",
        "What is the chemical symbol for gold?",
        "It knows",
        ("Au",),
        Action.ANSWER,
        "Correct. The model hardly considered other words, so the answer is given at once.",
    ),
    Story(
        "looks-up",
        "What is the capital of Mongolia?",
        "It looks it up",
        ("Ulaanbaatar", "Ulan Bator"),
        Action.ANSWER,
        "Correct, because of the document. The first answer was made up, and the model found its own words "
        "unlikely: that is why Codex searched before it answered.",
    ),
    Story(
        "nobody",
        "What will the weather be in Paris on 3 May 2061?",
        "Nobody knows",
        (),
        Action.ABSTAIN,
        "Nobody can know this. The model made something up, differently each time; none of it is passed on.",
    ),
    Story(
        "person",
        "Who invented the wheel?",
        "A person decides",
        ("Nobody knows who invented it",),
        Action.DEFER,
        "It reads as confident as the others, but nobody knows who invented the wheel. So it is not given "
        "as it is: a person sees it first, on the Label page, and the verdict improves the calibration.",
    ),
)
"""In the order in which they are offered."""
