"""The confidence that a model states: read from text, requested of an engine, bound to a calibrator."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex import prompts, signals
from codex.engines.base import Finished, GenerationParams
from codex.errors import Cancelled, PromptTooLong
from codex.grounding.stated import Stated, read_stated, state
from codex.prompts import stating
from codex.prompts.stating import stated
from codex.types import Generation, Message, Observation, Prompt, Token
from tests.support.scripted import Script, ScriptedEngine

QUESTION = "What is the capital of Greece?"
ZEROS = "0٠۰०০๐０"
"""The digit 0 of seven scripts; the other digits follow it."""


@pytest.mark.parametrize(
    ("line", "confidence"),
    [
        ("Confidence: 80%", 0.8),
        ("confidence: 0.8", 0.8),
        ("CONFIDENCE: 80", 0.8),
        ("**Confidence:** 80 %.", 0.8),
        ("My confidence is 80 percent", 0.8),
        ("Confidence level = 12.5%", 0.125),
        ("Confidence: 12,5%", 0.125),
        ("Confidence：８０％", 0.8),
        ("Confidence: ٨٠٪", 0.8),
        ("Confidence: ०.८", 0.8),
        ("Confidence: 0", 0.0),
        ("Confidence: 1", 1.0),
        ("Confidence: 1%", 0.01),
        ("Confidence: 0.5%", 0.005),
        ("Confidence: 100%", 1.0),
        ("Confidence: 101%", None),
        ("Confidence: 1e2", None),
        ("Confidence: -5%", None),
        ("Confidence: nan", None),
        ("Confidence: inf%", None),
        ("Confidence: 8²%", None),
        ("Confidence: 70-80%", None),
        ("Confidence: 80% or 20%", None),
        ("Confidence: high", None),
        ("Confidence:", None),
        ("No confidence: 80%", None),
        ("80%", None),
        ("Confidence: " + "9" * 100_000, None),
    ],
)
def test_a_stated_confidence_is_read_from_the_last_line(line: str, confidence: float | None) -> None:
    found = read_stated(f"2 + 3 = 5\n{line}\n \n")
    assert found.confidence == (None if confidence is None else pytest.approx(confidence))
    if confidence is not None:
        assert found.answer == "2 + 3 = 5"


@pytest.mark.parametrize("text", ["", "\n \n", "5", "Confidence: 80%\n5"])
def test_an_answer_without_a_last_line_of_confidence_states_none(text: str) -> None:
    assert read_stated(text) == Stated(text.strip(), None)


def test_two_stated_confidences_are_none_and_neither_is_part_of_the_answer() -> None:
    assert read_stated("5\nConfidence: 100%\nConfidence: 0%") == Stated("5", None)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_gives_a_confidence_outside_of_0_to_1(text: str) -> None:
    for it in (text, f"5\nConfidence: {text}"):
        confidence = read_stated(it).confidence
        assert confidence is None or 0 <= confidence <= 1


@given(st.integers(0, 100), st.sampled_from(ZEROS))
def test_what_is_written_as_asked_is_read_in_the_digits_of_any_script(percent: int, zero: str) -> None:
    text = stated("five", percent)
    written = text.translate({ord("0") + each: ord(zero) + each for each in range(10)})
    assert read_stated(written) == Stated("five", percent / 100)


def says(line: str) -> ScriptedEngine:
    return ScriptedEngine(lambda prompt: Script([line]))


@dataclass
class Server(ScriptedEngine):
    """Takes whole turns only."""

    turns: Sequence[Message] = ()

    def render(self, messages: Sequence[Message]) -> None:  # type: ignore[override]
        return None

    def decode(
        self, prompt: Prompt, rows: Sequence[GenerationParams], **options: Any
    ) -> Iterator[Token | Finished]:
        assert not isinstance(prompt, str)
        self.turns = list(prompt)
        return super().decode(prompt[-1].content, rows, **options)


def test_the_model_completes_the_line_under_the_prompt_that_rewards_teach() -> None:
    engine = says(" 70%\nand more")
    found = state(engine, prompts.ask(QUESTION), "Athens. ")
    assert found is not None
    assert (found.value, found.prompt) == (0.7, stating.fingerprint())
    (prompt,) = engine.decodes
    # What a model was rewarded for is the text that it wrote after this very prompt.
    assert prompt == f"{engine.render(stating.ask(prompts.ask(QUESTION)))}Athens.\nConfidence:"


@pytest.mark.parametrize("line", ["Confidence: 40%", "40%", " 40%\nConfidence: 100%"])
def test_a_server_gets_a_turn_of_its_own(line: str) -> None:
    server = Server(lambda prompt: Script([line]))
    found = state(server, prompts.ask(QUESTION), "Athens")
    assert found is not None
    assert found.value == 0.4
    last = [Message("assistant", "Athens"), Message("user", stating.REQUEST)]
    assert server.turns == [*stating.ask(prompts.ask(QUESTION)), *last]


@pytest.mark.parametrize("line", ["", " high", " 70% or so", " 170%"])
def test_what_cannot_be_read_is_no_confidence(line: str) -> None:
    found = state(says(line), prompts.ask(QUESTION), "Athens")
    assert found is not None
    assert found.value is None
    answer = Generation("Athens", (), "stop", 7, 0.1)
    assert signals.compute(Observation(QUESTION, answer, stated=found))["stated_confidence"] is None


def test_a_context_without_room_for_it_leaves_it_out() -> None:
    engine = says(" 70%")
    engine.failure = PromptTooLong(90, 64, 0)
    assert state(engine, prompts.ask(QUESTION), "Athens") is None


def test_a_cancelled_question_is_not_answered() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        state(says(" 70%"), prompts.ask(QUESTION), "Athens", cancel)
