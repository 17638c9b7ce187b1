"""What an answer brings along from inside the model: asked for by a setting, measured and stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from codex.engines.base import Capabilities, Finished, GenerationParams, Internals
from codex.types import Attention, Generation, Prompt, Token, Trace, TraceEvent
from tests.support.scripted import END, Script, ScriptedEngine
from tests.support.serving import workbench

QUESTION = "What is the capital of Australia?"
WANTED = Internals(attention=True)


@dataclass
class Showing(ScriptedEngine):
    """Shows attention where it is asked for."""

    shows: bool = True
    asked: list[Internals | None] = field(default_factory=list)
    """Of each decode and score."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, attention=self.shows)

    def decode(
        self, prompt: Prompt, rows: Sequence[GenerationParams], **options: Any
    ) -> Iterator[Token | Finished]:
        self.asked.append(options.get("internals"))
        for item in super().decode(prompt, rows, **options):
            wanted = isinstance(item, Finished) and item.row == 0 and self.asked[-1]
            yield Finished(0, shown(item.generation)) if wanted else item

    def score(self, *args: Any, **options: Any) -> Generation:
        self.asked.append(options.get("internals"))
        return super().score(*args, **options)


def shown(answer: Generation) -> Generation:
    weights = (0.5,) * (len(answer.tokens) - 1)
    return replace(answer, attention=Attention((1,), (0,), (weights,)))


def engine(shows: bool = True, other: str = " other") -> Showing:
    return Showing(lambda _: Script(["Can", "berra", "."], others=[other]), shows=shows)


def last_trace(events: Iterator[object]) -> Trace:
    *_, last = events
    assert isinstance(last, TraceEvent)
    return last.trace


def test_an_answer_and_its_branch_are_measured_by_their_attention_and_keep_it(tmp_path: Path) -> None:
    model = engine()
    with closing(workbench(tmp_path, model, "ask.attention=true", "store.privacy=full")) as opened:
        answer = opened.answer(QUESTION, n_samples=2)
        assert answer.last.signals["rauq"] is not None
        assert opened.store.load(answer.id) == answer
        other = answer.last.observation.generation.tokens[1].alternatives[1]
        branch = last_trace(opened.branch(answer.id, 1, other.id))
        assert branch.last.observation.generation.attention
        opened.score(QUESTION, "Canberra")
    assert model.asked == [WANTED] * 3


@pytest.mark.parametrize(("setting", "shows"), [("false", True), ("true", False)])
def test_none_is_asked_for_without_the_setting_or_the_engine(
    setting: str, shows: bool, tmp_path: Path
) -> None:
    model = engine(shows)
    with closing(workbench(tmp_path, model, f"ask.attention={setting}")) as opened:
        assert opened.answer(QUESTION, n_samples=2).last.signals["rauq"] is None
    assert set(model.asked) == {None}


def test_an_answer_that_a_branch_ends_early_has_none(tmp_path: Path) -> None:
    with closing(
        workbench(tmp_path, engine(other=END), "ask.attention=true", "store.privacy=full")
    ) as opened:
        answer = opened.answer(QUESTION, n_samples=2)
        end = answer.last.observation.generation.tokens[2].alternatives[1]
        branch = last_trace(opened.branch(answer.id, 2, end.id))
        assert branch.last.observation.generation.attention is None
        assert branch.last.signals["rauq"] is None
