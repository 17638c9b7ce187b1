"""Questions that follow up on earlier turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex.ask.workbench import Workbench, last_trace
from codex.engines.base import Finished
from codex.errors import InvalidInput, PromptTooLong
from codex.types import Message, Token
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

TURNS = [
    Message("user", "What is the capital of Norway?"),
    Message("assistant", "Oslo."),
    Message("user", "And of Sweden?"),
    Message("assistant", "Stockholm."),
]
QUESTION = "And of Australia?"


class Narrow(ScriptedEngine):
    """Its context holds so many characters."""

    room = 10_000

    def decode(self, prompt: Any, *args: Any, **options: Any) -> Iterator[Token | Finished]:
        if len(self.render(prompt)) > self.room:
            raise PromptTooLong(len(self.render(prompt)), self.room)
        return super().decode(prompt, *args, **options)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])))
    yield made
    made.close()


def engine_of(bench: Workbench) -> Narrow:
    assert isinstance(bench.engine, Narrow)
    return bench.engine


def test_the_model_is_shown_the_turns_before_the_question(bench: Workbench) -> None:
    trace = last_trace(bench.ask(QUESTION, history=TURNS))
    (seen,) = engine_of(bench).decodes
    places = [seen.index(turn.content) for turn in TURNS] + [seen.index(QUESTION)]
    assert places == sorted(places)
    assert trace.question == QUESTION
    assert trace.origin != last_trace(bench.ask(QUESTION)).origin


def test_the_oldest_turns_that_do_not_fit_are_left_out_whole_and_said_so(bench: Workbench) -> None:
    engine = engine_of(bench)
    engine.room = len(engine.render([*TURNS[2:], Message("user", QUESTION)])) + 100
    trace = last_trace(bench.ask(QUESTION, history=TURNS))
    assert TURNS[1].content not in engine.decodes[0]
    assert TURNS[3].content in engine.decodes[0]
    assert "2 earlier turns did not fit the context" in trace.last.decision.reason


def test_a_question_that_does_not_fit_without_them_is_refused(bench: Workbench) -> None:
    engine_of(bench).room = 10
    with pytest.raises(PromptTooLong):
        last_trace(bench.ask(QUESTION, history=TURNS))


def test_a_persons_answer_is_not_given_to_a_question_in_another_context(bench: Workbench) -> None:
    bench.people.put("Canberra", "Ada", question=QUESTION)
    assert last_trace(bench.ask(QUESTION)).params.person is not None
    assert last_trace(bench.ask(QUESTION, history=TURNS)).params.person is None


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        (TURNS[:1], "not answered"),
        (TURNS[1:3], "take turns"),
        ([*TURNS[:2], Message("system", "Hm.")], "put it first"),
        ([Message("user", "half \ud83d"), TURNS[1]], "half a character"),
        ([Message("user", "x" * 1_000_001), TURNS[1]], "more than 1,000,000"),
    ],
    ids=["unanswered", "wrong order", "system last", "half a character", "too long"],
)
def test_turns_that_are_no_history(bench: Workbench, turns: list[Message], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as raised:
        bench.ask(QUESTION, history=turns)
    assert raised.value.fields == ("history",)
