"""One plain line for each decision, with whatever was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from codex import signals
from codex.ask.deciding import decide_one
from codex.ask.explaining import answered_by, day, plain_line, rationale
from codex.calibration.prior import estimated_confidence
from codex.policy import Policy
from codex.types import AnsweredBy, Confidence, Generation, Observation, Step
from tests.support.observations import make_generation, make_token, said
from tests.support.traces import make_trace

QUESTION = "What is the capital of Australia?"
PIECES = ("The", " capital", " is", " Can", "berra", ".")
SURE = (0.9, 0.9, 0.9, 0.8, 0.53, 0.9)


def answer(*probabilities: float | None) -> Generation:
    pieces = zip(PIECES, probabilities or SURE, strict=True)
    return make_generation([make_token(piece, probability) for piece, probability in pieces])


def step(
    generation: Generation, *samples: str, question: str = QUESTION, familiar: bool = True, **given: float
) -> Step:
    """A step as the loop makes it of an observation; given: signals that need more than it has."""
    observation = Observation(question, generation, tuple(said(each, 0.5) for each in samples))
    measured = {**signals.compute(observation), **given}
    confidence = estimated_confidence(measured)
    return Step(
        kind="ask",
        prompt=None,
        prompt_sha256="",
        observation=observation,
        focus=signals.focus_mask(observation),
        signals=measured,
        confidence=Confidence(confidence),
        decision=decide_one(Policy(), measured, confidence, None if familiar else ("capitals",)),
    )


UNLIKE = step(answer(), *["Canberra"] * 10, familiar=False)
SIX = ["It is Canberra."] * 6 + ["Sydney."] * 4


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (step(answer(), *SIX), "6 of 10 samples said Canberra; the weakest word had 0.53"),
        (step(answer(), *["Perth"] * 3), "none of 3 samples said Canberra; the weakest word had 0.53"),
        (step(answer()), "the weakest word had 0.53"),
        (step(answer(*[None] * 6), *SIX), "6 of 10 samples said Canberra"),
        (step(answer(), "Canberra"), "the one sample said the same; the weakest word had 0.53"),
        (step(answer(), "Sydney"), "the one sample said something else; the weakest word had 0.53"),
        (step(answer(*[None] * 6)), "there are neither samples nor log-probabilities to go by"),
        (step(make_generation([]), "Canberra", "Perth"), "the answer is empty"),
        (
            step(answer(), *SIX, evidence_support=0.812, p_true=0.3),
            "6 of 10 samples said Canberra; the weakest word had 0.53; the passages support it with 0.81; "
            "the verifier gives it 0.30",
        ),
        (
            step(said(f"{'far ' * 20}away", 0.5), *[f"{'far ' * 20}away"] * 2),
            "2 of 2 samples said the same; the weakest word had 0.50",
        ),
        (step(said("A, B", 0.5), "A, B", "Perth"), "1 of 2 samples said “A, B”; the"),
    ],
    ids=[
        *("samples", "nobody agrees", "no samples", "no log-probabilities", "one sample", "one other sample"),
        *("nothing", "empty", "evidence and verifier", "long", "comma"),
    ],
)  # fmt: skip
def test_the_line_says_what_was_measured_and_leaves_out_the_rest(found: Step, line: str) -> None:
    assert plain_line(found).startswith(line)
    if line.endswith(("0.53", "0.50", "0.30", "Canberra", "by", "empty")):
        assert plain_line(found) == line


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (
            step(answer(0.15, *SURE[1:])),
            "the weakest word had 0.53; first token's probability 0.15, below 0.20: abstain",
        ),
        (
            UNLIKE,
            "10 of 10 samples said Canberra; the weakest word had 0.53; "
            f"{UNLIKE.confidence.value:.0%} likely correct, but calibrated on other kinds of questions "
            "(capitals): a person decides",
        ),
        (step(answer(*[None] * 6)), "no confidence is available: a person decides"),
    ],
    ids=["abstain by gate", "deferred as unlike", "no confidence"],
)
def test_the_rationale_is_the_line_and_then_what_was_decided(found: Step, why: str) -> None:
    trace = replace(make_trace(1), steps=(found,))
    assert rationale(trace).endswith(why)
    assert rationale(trace) == f"{plain_line(found)}; {found.decision.reason}"


def test_a_persons_answer_comes_first_with_name_and_date() -> None:
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    person = AnsweredBy("1", "Canberra", "Ada", "", at, same=True, similarity=None)
    assert answered_by(person) == "Answered by Ada on 4 May 2026"
    assert answered_by(replace(person, same=False)) == (
        "Answered by Ada on 4 May 2026, to the question in other words"
    )
    trace = make_trace(1)
    told = replace(trace, params=replace(trace.params, person=person))
    assert rationale(told) == (f"Answered by Ada on 4 May 2026; the model's own answer: {rationale(trace)}")
    assert day(at) == "4 May 2026"


def test_the_line_of_a_stored_step_is_that_of_the_fresh_one() -> None:
    fresh = step(answer(), *SIX)
    kept = replace(fresh, observation=replace(fresh.observation, question=""))
    assert plain_line(kept) == plain_line(fresh)
