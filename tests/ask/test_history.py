"""Questions that follow up on earlier turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from codex import prompts
from codex.ask.conversation import turns_to
from codex.ask.workbench import Workbench, last_trace
from codex.engines.base import Finished
from codex.errors import Conflict, InvalidInput, NotFound, PromptTooLong
from codex.policy import Policy
from codex.store import Store
from codex.types import Action, Message, Token, Trace
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
    attempts = 0

    @property
    def context(self) -> int:
        return self.room

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        return len(self.render(messages))

    def decode(self, prompt: Any, *args: Any, **options: Any) -> Iterator[Token | Finished]:
        self.attempts += 1
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        if len(text) > self.room:
            raise PromptTooLong(len(text), self.room)
        return super().decode(prompt, *args, **options)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])))
    yield made
    made.close()


def engine_of(bench: Workbench) -> Narrow:
    assert isinstance(bench.model.engine, Narrow)
    return bench.model.engine


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
    assert "1 earlier turn did not fit the context" in trace.last.decision.reason


def test_many_turns_that_do_not_fit_are_left_out_in_a_few_attempts(bench: Workbench) -> None:
    """Each attempt counts the tokens of the whole conversation: 400 of them would take seconds."""
    engine = engine_of(bench)
    long = TURNS[:2] * 398 + TURNS[2:]
    engine.room = len(engine.render([*TURNS[2:], Message("user", QUESTION)])) + 100
    attempts = engine.attempts
    trace = bench.answer(QUESTION, history=long)
    assert trace.params.conversation is not None
    assert (trace.params.conversation.turns, trace.params.conversation.dropped) == (1, 398)
    assert engine.attempts - attempts < 12


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


def test_a_follow_up_is_asked_after_what_the_user_was_told(bench: Workbench) -> None:
    first = bench.answer(TURNS[0].content)
    second = bench.answer(QUESTION, follows=first.id)
    assert second.session_id == first.session_id
    assert engine_of(bench).decodes[-1] == engine_of(bench).render(
        prompts.ask(QUESTION, history=[TURNS[0], Message("assistant", first.answer)])
    )
    told = second.params.conversation
    assert told is not None
    assert (told.follows, told.turns, told.dropped) == (first.id, 1, 0)


def test_a_follow_up_of_a_follow_up_is_asked_after_both(bench: Workbench) -> None:
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    third = bench.answer("Three?", follows=second.id)
    assert [turn.id for turn in bench.traces.turns(third.id)] == [first.id, second.id, third.id]
    assert third.params.conversation is not None
    assert third.params.conversation.turns == 2


def test_a_withheld_answer_is_not_in_the_context_of_what_follows(bench: Workbench) -> None:
    first = bench.answer(TURNS[0].content, policy=Policy(abstain_below=1.0, answer_above=1.0))
    assert first.last.decision.action is Action.ABSTAIN
    bench.answer(QUESTION, follows=first.id)
    assert "Canberra" not in engine_of(bench).decodes[-1]
    assert first.answer in engine_of(bench).decodes[-1]


def test_a_persons_answer_is_in_the_context_of_what_follows(bench: Workbench) -> None:
    bench.people.put("Oslo, says Ada", "Ada", question=TURNS[0].content)
    first = bench.answer(TURNS[0].content)
    bench.answer(QUESTION, follows=first.id)
    assert "<assistant>Oslo, says Ada</assistant>" in engine_of(bench).decodes[-1]
    assert "Canberra" not in engine_of(bench).decodes[-1]


def test_the_tokens_that_the_turns_take_are_those_that_they_add_to_the_prompt(bench: Workbench) -> None:
    engine = engine_of(bench)
    trace = bench.answer(QUESTION, history=TURNS)
    told = trace.params.conversation
    assert told is not None
    alone = engine.prompt_tokens(prompts.ask(QUESTION))
    assert told.tokens == engine.prompt_tokens(prompts.ask(QUESTION, history=TURNS)) - alone
    assert told.context == engine.context


def test_history_and_follows_exclude_each_other(bench: Workbench) -> None:
    first = bench.answer("One?")
    with pytest.raises(InvalidInput, match="leave one out"):
        bench.ask(QUESTION, follows=first.id, history=TURNS)


def test_a_follow_up_belongs_to_the_session_of_what_it_follows(bench: Workbench) -> None:
    """So that deleting the session leaves no turn of it in another one's prompt."""
    first = bench.answer("One?")
    with pytest.raises(InvalidInput, match="session"):
        bench.ask(QUESTION, follows=first.id, session_id="another")


@pytest.mark.parametrize("privacy", ["hash", "preview", "full"])
def test_a_history_is_stored_only_where_questions_are_kept_whole(tmp_path: Path, privacy: str) -> None:
    secret = "Xylophonist"
    engine = Narrow(lambda prompt: Script(["Canberra"]))
    bench = workbench(tmp_path, engine, f"store.privacy={privacy}")
    told = [Message("user", f"{'x' * 200} {secret}?"), Message("assistant", f"Yes, {secret}.")]
    bench.answer("One?", history=told)
    first = bench.answer(f"{'y' * 200} {secret}?")
    bench.answer("Two?", follows=first.id)
    bench.close()
    assert sum(secret in seen for seen in engine.decodes) == 3
    with Store(bench.settings.database) as store:
        lines = [*store.history.lines_of_json()]
        assert len(lines) == 3
        assert any(secret in line for line in lines) is (privacy == "full")


def test_with_whole_questions_kept_a_conversation_outlives_a_restart(tmp_path: Path) -> None:
    bench = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])), "store.privacy=full")
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    bench.close()
    bench = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])), "store.privacy=full")
    assert [turn.question for turn in bench.traces.turns(second.id)] == ["One?", "Two?"]
    bench.close()


def test_a_conversation_that_was_not_kept_is_not_followed_up(tmp_path: Path) -> None:
    bench = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])))
    first = bench.answer("One?")
    bench.close()
    bench = workbench(tmp_path, Narrow(lambda prompt: Script(["Canberra"])))
    with pytest.raises(Conflict, match="was not kept"):
        bench.ask(QUESTION, follows=first.id)
    bench.close()


def test_asked_again_a_follow_up_comes_after_the_same_turns(bench: Workbench) -> None:
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    again = last_trace(bench.replay(second.id))
    seen = engine_of(bench).decodes
    assert seen[-1] == seen[-2]
    assert again.params.conversation == second.params.conversation


def test_what_came_with_its_own_history_is_not_asked_again_without_it(bench: Workbench) -> None:
    trace = bench.answer(QUESTION, history=TURNS)
    with pytest.raises(Conflict, match="came with the request"):
        bench.replay(trace.id)
    with pytest.raises(Conflict, match="came with the request"):
        bench.ask("And then?", follows=trace.id)


def test_a_branch_of_a_follow_up_belongs_to_the_conversation(bench: Workbench) -> None:
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    other = second.last.observation.generation.tokens[0].alternatives[1]
    branch = last_trace(bench.branch(second.id, 0, other.id))
    third = bench.answer("Three?", follows=branch.id)
    assert [turn.id for turn in bench.traces.turns(third.id)] == [first.id, branch.id, third.id]
    assert branch.origin.prompt == second.origin.prompt


def test_a_conversation_that_lost_a_turn_is_not_followed_up(bench: Workbench) -> None:
    """Retention deletes old answers one by one."""
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)

    def read(trace_id: str) -> Trace:
        raise NotFound(trace_id)

    with pytest.raises(Conflict, match="was deleted"):
        turns_to(second, read)
