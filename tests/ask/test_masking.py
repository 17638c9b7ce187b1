"""Secrets in answers: masked in every event, in the trace and in the store; measured as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from codex.ask.response import response_to
from codex.ask.workbench import Workbench
from codex.engines.base import ModelConfig
from codex.errors import Conflict
from codex.redaction.observed import HIDDEN
from codex.types import Event, TokenEvent, Trace, TraceEvent
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

KEY = "ghp_" + "a1B2" * 9
PIECES = ["Use", " gh", "p_a1B2", "a1B2" * 5, "a1B2" * 3, " as", " the", " key", "."]
"""The third to fifth piece hold the key, the second its beginning."""
SCRIPT = Script(PIECES, samples=[f"It is {KEY}", "None"])
Bench = Callable[..., Workbench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened: list[Workbench] = []

    def make(*overrides: str, script: Script = SCRIPT) -> Workbench:
        engine = ScriptedEngine(lambda prompt: script, config=ModelConfig())
        opened.append(workbench(tmp_path / str(len(opened)), engine, *overrides))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def ended(events: list[Event]) -> Trace:
    assert isinstance(events[-1], TraceEvent)
    return events[-1].trace


def test_no_event_shows_a_part_of_a_secret_and_the_numbers_stay(bench: Bench) -> None:
    masked = list(bench("store.privacy=full").ask(f"Is {KEY} my key?"))
    plain = list(bench("store.mask_secrets=false", script=SCRIPT).ask(f"Is {KEY} my key?"))
    shown = [event.token for event in masked if isinstance(event, TokenEvent)]
    assert b"".join(token.bytes for token in shown) == b"Use [secret] as the key."
    assert "a1B2" not in str([asdict(event) for event in masked])
    assert [token.id == HIDDEN for token in shown] == [False, *[True] * 4, *[False] * 4]
    assert not any(token.alternatives for token in shown[1:5])
    was = ended(plain).last
    is_now = ended(masked).last
    assert KEY in was.observation.generation.text
    assert is_now.signals == was.signals
    assert is_now.confidence == was.confidence
    assert is_now.focus == was.focus
    assert [token.logprob for token in is_now.observation.generation.tokens] == [
        token.logprob for token in was.observation.generation.tokens
    ]
    assert ended(masked).question_sha256 == ended(plain).question_sha256


def test_what_is_stored_and_answered_is_masked(bench: Bench) -> None:
    there = bench("store.privacy=full")
    trace = there.answer(f"Is {KEY} my key?")
    stored = there.store.load(trace.id)
    assert stored.question == "Is [secret] my key?"
    assert stored.last.observation.samples[0].text == "It is [secret]"
    assert "a1B2" not in str(asdict(stored))
    assert response_to(trace).model_answer == "Use [secret] as the key."
    assert "a1B2" not in response_to(stored).model_dump_json()


def test_the_setting_leaves_answers_as_they_are(bench: Bench) -> None:
    there = bench("store.mask_secrets=false", "store.privacy=full")
    trace = there.answer(f"Is {KEY} my key?")
    assert KEY in there.store.load(trace.id).last.observation.generation.text


def test_no_branch_goes_on_behind_a_masked_token(bench: Bench) -> None:
    there = bench()
    trace = there.answer("What is my key?")
    tokens = trace.last.observation.generation.tokens
    other = next(each for each in tokens[6].alternatives if each.id != tokens[6].id)
    with pytest.raises(Conflict, match="mask_secrets"):
        list(there.branch(trace.id, 6, other.id))


def test_scored_texts_are_masked(bench: Bench) -> None:
    scored = bench().score("What is my key?", f"It is {KEY} here")
    assert scored.observation.generation.text == "It is [secret] here"
