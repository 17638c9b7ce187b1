"""Answers that exist already: their signals and their confidence, without a word written or kept."""

from __future__ import annotations

from dataclasses import dataclass

from codex import signals
from codex.ask.confidence import confidence_of
from codex.ask.request import MAX_QUESTION_CHARACTERS, Request
from codex.engines.base import Engine, Finished, GenerationParams
from codex.errors import Cancelled, InvalidInput
from codex.types import Confidence, Generation, Observation, Origin, Prompt

NO_QUESTION = "calibrators are fitted on answers to questions, and this is text after a prompt of its own"
NOT_OWN = "the text is not what the model itself would answer, and calibrators are fitted on such answers"
NO_CALIBRATOR = "no calibrator is active"


@dataclass(frozen=True, slots=True)
class Scored:
    """A text that was scored."""

    observation: Observation
    focus: tuple[bool, ...]
    """Which tokens carry the answer; as long as the generation's tokens."""
    signals: dict[str, float | None]
    confidence: Confidence
    model: str
    """The engine's fingerprint."""
    uncalibrated: str
    """Why the confidence is not calibrated, in words; "": it is, or is an estimate for other questions."""


def scored_text(engine: Engine, generation: Generation) -> Scored:
    """A text after a prompt that is no question: what its tokens alone say."""
    observation = Observation("", generation)
    measured = signals.compute(observation)
    origin = Origin(engine.fingerprint, "", 0.0)
    return Scored(
        observation,
        signals.focus_mask(observation),
        measured,
        confidence_of(measured, origin, None),
        engine.fingerprint,
        NO_QUESTION,
    )


def why_uncalibrated(request: Request, origin: Origin, is_own: bool) -> str:
    """Why no calibrator holds for an answer that came about so, in words; "" where one does."""
    if request.calibrator is None:
        return NO_CALIBRATOR
    return request.calibrator.mismatch(origin) or ("" if is_own else NOT_OWN)


def is_own(engine: Engine, prompt: Prompt, generation: Generation, request: Request) -> bool:
    """Whether the model itself would answer so: the likeliest token at each place, and then the end."""
    if request.params.temperature or any(token.rank != 1 for token in generation.tokens):
        return False
    if not engine.capabilities.prefix:
        return False
    further = engine.decode(
        prompt, [GenerationParams(max_tokens=1)], prefix=generation.tokens, cancel=request.cancel
    )
    (end,) = [item.generation for item in further if isinstance(item, Finished)]
    if end.finish_reason == "cancelled":
        raise Cancelled("The question was cancelled.")
    return len(end.tokens) == len(generation.tokens)


def checked_text(text: str, field: str) -> str:
    """A text to score. Raises InvalidInput."""
    if not text.strip():
        raise InvalidInput(f"{field} is empty: give the text to score.", [field])
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidInput(
            f"{field} has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are read.", [field]
        )
    return text
