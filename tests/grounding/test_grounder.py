"""The Grounder as the loop calls it: over the scripted engine, and over the default model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codex import prompts
from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.errors import Cancelled, ModelError
from codex.grounding.config import GroundingConfig
from codex.grounding.grounder import Grounder
from codex.retrieval.embedding import Identity
from codex.types import Generation, Observation, Passage, Stance
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine

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


def no_identity() -> Identity:
    raise ModelError("There is no embedding.")


@pytest.fixture
def models(tmp_path: Path, codex_home: Path) -> Models:
    """The shelf of a home in which the scripted engine and the default model are known to be reliable."""
    (tmp_path / "models").symlink_to(codex_home / "models")
    return Models(trust(trust(tmp_path), "llama_cpp:smollm2-135m-instruct:Q4_1"))


def grounder(engine: ScriptedEngine, models: Models, **config: object) -> Grounder:
    return Grounder(GroundingConfig.model_validate(config), engine, models, no_embedding, no_identity)


def scripted(true: float = 0.8) -> ScriptedEngine:
    return ScriptedEngine(lambda prompt: Script(["x"]), judgement=lambda prompt: true)


def test_the_verdict_holds_the_distribution_of_the_first_word(models: Models) -> None:
    engine, seen = scripted(0.7), observation("Athens.")
    verdict = grounder(engine, models).check(seen, prompts.ask(seen.question)).verdict
    assert verdict is not None
    assert [it.text for it in verdict.alternatives] == ["True", "False"]
    assert np.exp(verdict.alternatives[0].logprob) == pytest.approx(0.7)
    assert verdict.verifier == engine.fingerprint


def test_the_verifier_continues_the_conversation_of_the_answer(models: Models) -> None:
    """So that the engine's cache holds all but its question."""
    engine, seen = scripted(), observation("Athens. It is large.")
    asked = prompts.ask(seen.question, seen.passages)
    grounder(engine, models, judge="none").check(seen, asked)
    (verified,) = engine.judged
    assert verified.startswith(engine.render(asked) + "Athens. It is large.</assistant><user>")


def test_the_judge_reads_the_passages_that_the_answer_was_given(models: Models) -> None:
    """The same text up to the question, so that the engine's cache holds it; after a reflection too."""
    engine, seen = scripted(0.2), observation("Athens. It is large.")
    asked = prompts.ask(seen.question, seen.passages)
    again = prompts.reflect(seen.question, "Rome.", seen.passages)
    shared = engine.render(asked).removesuffix("</user><assistant>")
    for prompt in (asked, again):
        engine.judged.clear()
        grounder(engine, models, verify=False).check(seen, prompt)
        assert len(engine.judged) == 5  # whether it is answered; of two sentences support and contradiction
        assert all(judged.startswith(shared) for judged in engine.judged)
        supports = [judged for judged in engine.judged if "Do the quotes support" in judged]
        assert all(judged.startswith(engine.render(prompt) + seen.generation.text) for judged in supports)


def test_a_sentence_is_marked_by_what_the_judge_says(models: Models) -> None:
    seen = observation("Athens. Rome.")

    def stances(true: object) -> list[Stance | None]:
        engine = ScriptedEngine(lambda prompt: Script(["x"]), judgement=true)  # type: ignore[arg-type]
        grounding = grounder(engine, models).check(seen, prompts.ask(seen.question, seen.passages)).grounding
        assert grounding is not None
        return [sentence.stance for sentence in grounding.sentences]

    assert stances(lambda prompt: 0.9) == [Stance.SUPPORTED] * 2
    assert stances(lambda prompt: 0.1) == [Stance.NOT_FOUND] * 2
    assert stances(lambda prompt: 0.1 if "said: “Rome.”" in prompt else 0.9) == [
        Stance.SUPPORTED,
        Stance.NOT_FOUND,
    ]


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


def test_another_model_verifies_and_judges_when_it_is_set(models: Models) -> None:
    engine, seen = scripted(), observation("Athens.")
    engine.config = ModelConfig(model_path="scripted", threads=2)
    other = grounder(engine, models, verifier_model="smollm2-135m-instruct")
    try:
        other.load()
        checked = other.check(seen, prompts.ask(seen.question, seen.passages))
    finally:
        other.unload()
    assert engine.judged == []
    assert checked.verdict is not None
    assert checked.verdict.verifier == "llama_cpp:smollm2-135m-instruct:Q4_1"
    assert checked.grounding is not None
    assert checked.grounding.judge == "model llama_cpp:smollm2-135m-instruct:Q4_1"
    (sentence,) = checked.grounding.sentences
    assert sentence.probability is not None
    assert 0.0 < sentence.probability < 1.0
    assert sentence.passage == 1
    assert sentence.quote is not None
    assert ATHENS[slice(*sentence.quote)] == "Athens is the capital of Greece."


def test_the_candidates_are_the_different_samples(models: Models) -> None:
    engine, seen = scripted(), observation("Athens.", "Rome", "athens", "Athens!", "Sparta\nof old")
    verdict = (
        grounder(engine, models, judge="none", verifier_form="candidates")
        .check(seen, prompts.ask(seen.question))
        .verdict
    )
    assert verdict is not None
    assert verdict.form == "candidates"
    assert "brainstormed answers:\nRome\nathens\nSparta of old\nProposed answer: Athens." in engine.judged[0]


def test_without_samples_the_verdict_is_plain(models: Models) -> None:
    engine, seen = scripted(), observation("Athens.")
    checked = grounder(engine, models, judge="none", verifier_form="candidates").check(
        seen, prompts.ask(seen.question)
    )
    assert checked.verdict is not None
    assert checked.verdict.form == "plain"


@pytest.mark.parametrize("similarity", ["judge", "embedding", "text"])
def test_samples_are_compared_as_the_settings_say(similarity: str, models: Models) -> None:
    engine, seen = scripted(0.95), observation("Athens.", "Athens, of course", passages=())
    found = Grounder(
        GroundingConfig.model_validate({"verify": False, "similarity": similarity}),
        engine,
        models,
        lambda texts: np.ones((len(texts), 1), np.float32),
        no_identity,
    ).check(seen, prompts.ask(seen.question))
    if similarity == "text":
        assert found.similarity is None
    else:
        assert found.similarity is not None
        assert found.similarity.method == similarity
        assert found.similarity.classes == (0, 0)
        assert found.similarity.seconds >= 0.0
