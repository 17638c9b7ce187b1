"""The Grounder as the loop calls it: over the scripted engine, and over the default model."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from codex import prompts
from codex.engines.models import Models
from codex.errors import Cancelled
from codex.grounding import Grounder
from codex.grounding.config import GroundingConfig
from codex.types import Generation, Observation, Passage, Stance
from tests.scripted import Script, ScriptedEngine

ATHENS = "Athens is the capital of Greece. It lies in Attica."
CRETE = "Crete is the largest island of Greece."


def passage(text: str, number: int = 0) -> Passage:
    return Passage(f"p{number}", "d", "greece.txt", text, 0, len(text))


def observation(answer: str, *samples: str, passages: Sequence[str] = (CRETE, ATHENS)) -> Observation:
    def written(text: str) -> Generation:
        return Generation(text, (), "stop", 7, 0.1)

    return Observation(
        "What is the capital of Greece?",
        written(answer),
        tuple(map(written, samples)),
        tuple(passage(text, i) for i, text in enumerate(passages)),
    )


def no_embedding(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("nothing is to be embedded")


def grounder(engine: ScriptedEngine, models: Models, **config: object) -> Grounder:
    return Grounder(GroundingConfig.model_validate(config), engine, models, no_embedding)


def scripted(true: float = 0.8) -> ScriptedEngine:
    return ScriptedEngine(lambda prompt: Script(["x"]), judgement=lambda prompt: true)


def test_the_verdict_holds_the_distribution_of_the_first_word(models: Models) -> None:
    engine, seen = scripted(0.7), observation("Athens.")
    verdict = grounder(engine, models).check(seen, prompts.ask(seen.question)).verdict
    assert verdict is not None
    assert [it.text for it in verdict.alternatives] == ["True", "False"]
    assert np.exp(verdict.alternatives[0].logprob) == pytest.approx(0.7)
    assert verdict.verifier == engine.fingerprint


def test_every_check_continues_the_conversation_of_the_answer(models: Models) -> None:
    """So that the engine's cache holds all but the question at its end."""
    engine, seen = scripted(0.2), observation("Athens. It is large.")
    asked = prompts.ask(seen.question, seen.passages)
    grounder(engine, models).check(seen, asked)
    begins = engine.render(asked) + "Athens. It is large.</assistant><user>"
    assert len(engine.judged) == 5  # the verifier, and support and contradiction of two sentences
    assert all(prompt.startswith(begins) for prompt in engine.judged)


def test_a_sentence_is_marked_by_what_the_judge_says(models: Models) -> None:
    seen = observation("Athens. Rome.")

    def stances(true: object) -> list[Stance]:
        engine = ScriptedEngine(lambda prompt: Script(["x"]), judgement=true)  # type: ignore[arg-type]
        grounding = grounder(engine, models).check(seen, prompts.ask("")).grounding
        assert grounding is not None
        return [sentence.stance for sentence in grounding.sentences]

    assert stances(lambda prompt: 0.9) == [Stance.SUPPORTED] * 2
    assert stances(lambda prompt: 0.1) == [Stance.NOT_FOUND] * 2
    assert stances(lambda prompt: 0.9 if "“Athens.”" in prompt else 0.1) == [
        Stance.SUPPORTED,
        Stance.NOT_FOUND,
    ]
    assert stances(lambda prompt: 0.9 if "something else" in prompt else 0.1) == [Stance.CONTRADICTED] * 2


def test_without_passages_nothing_is_grounded(models: Models) -> None:
    engine, seen = scripted(), observation("Athens.", passages=())
    checked = grounder(engine, models).check(seen, prompts.ask(seen.question))
    assert checked.grounding is None
    assert len(engine.judged) == 1


def test_an_empty_answer_is_not_checked(models: Models) -> None:
    engine, seen = scripted(), observation(" \n")
    assert grounder(engine, models).check(seen, prompts.ask(seen.question)) == seen
    assert engine.judged == []


def test_a_cancelled_check_says_so(models: Models) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        grounder(scripted(), models, verify=False, judge="lexical").check(observation("Athens."), "", cancel)


def test_a_branch_is_checked_in_a_conversation_of_its_own(models: Models) -> None:
    """It has only the text of what it continued, which may be of another model's template."""
    engine, seen = scripted(), observation("Athens.")
    grounder(engine, models).check(seen, "<user>anything</user>")
    assert engine.judged[0].startswith(engine.render(prompts.ask(seen.question, seen.passages)))
