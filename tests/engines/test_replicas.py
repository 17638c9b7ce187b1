"""Several servers of one model: requests are shared out, and none is lost when a server dies."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from codex.ask.workbench import Workbench
from codex.engines.base import Finished
from codex.engines.openai_api import replicas
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine
from codex.errors import ModelError
from codex.evaluation.callers import callers_for
from codex.evaluation.runner import prepare, run
from codex.settings import load_settings
from codex.store import Store
from codex.types import Message, Token
from tests.support.decoding import greedy, sampled
from tests.support.openai_server import Json, Said, Scripted, entry, serving, streamed, whole

ANSWER = [entry("It", -0.2, {"It": -0.2, "The": -2.0}), entry(" is", -0.1), entry(" Oslo", -0.4)]
QUESTION = [Message("user", "What is the capital of Norway?")]
Cluster = Callable[..., OpenAIEngine]


@dataclass
class Mortal:
    """How a server responds that breaks off in the middle of its last answer, and is dead from then on."""

    answers: int | None = None
    """So many streams before the last; None: it lives."""
    first: int = 1
    """Tokens of the last answer that still come."""
    dead: bool = False
    counting: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, path: str, body: Json) -> Said | None:
        with self.counting:
            if self.dead:
                return whole({"error": {"message": "bad gateway"}}, 502)
            if self.answers is None or "seed" not in body:
                return None
            self.answers -= 1
            self.dead = self.answers < 0
        if not self.dead:
            return None
        return streamed(
            [
                {"choices": [{"delta": {"content": it["token"]}, "logprobs": {"content": [it]}}]}
                for it in ANSWER[: self.first]
            ],
            done=False,
        )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """An engine on scripted servers, not loaded."""
    monkeypatch.setattr(replicas, "FIRST_PAUSE", 1000.0)  # What is left out stays so.
    monkeypatch.setattr(replicas, "LONGEST_PAUSE", 1000.0)
    with ExitStack() as stack:

        def make(*scripts: Scripted, **config: Any) -> OpenAIEngine:
            urls = [stack.enter_context(serving(script)) for script in scripts]
            engine = OpenAIEngine(ServedConfig(model_path="m", base_url=urls, retries=0, **config))
            stack.callback(engine.unload)
            return engine

        yield make


def asked(script: Scripted) -> int:
    """How many requests were for an answer, beside those of the probe."""
    return sum("seed" in body for _, body, _ in script.seen)


def test_addresses_are_a_list_or_divided_by_commas() -> None:
    both = ("http://a.test/v1", "http://b.test/v1")
    assert ServedConfig(base_url=list(both)).base_url == both
    assert ServedConfig(base_url=" , ".join(both)).base_url == both
    settings = load_settings(["engine=openai_api", f"engine.base_url=[{','.join(both)}]"])
    assert isinstance(settings.engine, ServedConfig)
    assert settings.engine.base_url == both
    assert load_settings(
        ["engine=openai_api", f"engine.base_url={both[0]}"]
    ).engine == settings.engine.model_copy(update={"base_url": both[:1]})
    for wrong in ([], "", "http://a.test/v1,http://a.test/v1/", ["ftp://a.test"]):
        with pytest.raises(ValidationError, match="base_url"):
            ServedConfig(base_url=wrong)


def test_requests_go_to_the_least_busy_server(cluster: Cluster) -> None:
    one, two = Scripted(ANSWER), Scripted(ANSWER)
    engine = cluster(one, two, concurrency=1)
    engine.load()
    one.hold = two.hold = threading.Event()
    under_way = [engine.decode(QUESTION, [greedy(20)]) for _ in range(2)]
    assert [isinstance(next(rows), Token) for rows in under_way] == [True, True]
    assert (asked(one), asked(two)) == (1, 1)
    one.hold.set()
    assert [list(rows)[-1].generation.text for rows in under_way] == ["It is Oslo"] * 2  # type: ignore[union-attr]
    assert engine.slots == 2
    assert engine.limits == ""


def test_what_a_dying_server_leaves_is_answered_by_the_other(cluster: Cluster) -> None:
    dying, steady = Scripted(ANSWER, respond=Mortal(answers=5).respond), Scripted(ANSWER)
    engine = cluster(dying, steady, concurrency=2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: list(engine.decode(QUESTION, [greedy(20, seed=at)])), range(40)))
    for items in found:
        tokens = [it for it in items if isinstance(it, Token)]
        (done,) = [it.generation for it in items if isinstance(it, Finished)]
        assert done.text == "It is Oslo"
        assert done.tokens == tuple(tokens)
    assert asked(steady) >= 40 - 5
    assert engine.slots == 2
    assert engine.limits.startswith("1 of 2 servers answer. ")


def test_samples_that_a_server_did_not_finish_are_drawn_again(cluster: Cluster) -> None:
    dying, steady = Scripted(ANSWER, respond=Mortal(answers=0).respond), Scripted(ANSWER)
    engine = cluster(dying, steady)
    found = engine.sample(QUESTION, sampled(20, seed=3), 6)
    assert [it.text for it in found] == ["It is Oslo"] * 6


def test_an_answer_that_another_server_begins_otherwise_is_not_patched(cluster: Cluster) -> None:
    dying = Scripted(ANSWER, respond=Mortal(answers=0, first=2).respond)
    other = Scripted(ANSWER)
    engine = cluster(dying, other)
    engine.load()
    other.tokens = [entry("It", -0.2), entry(" was", -1.0)]
    with pytest.raises(ModelError, match="broke off"):
        list(engine.decode(QUESTION, [greedy(20)]))


def test_all_servers_are_dead(cluster: Cluster) -> None:
    engine = cluster(*(Scripted(ANSWER, respond=Mortal(answers=0).respond) for _ in range(2)))
    with pytest.raises(ModelError, match="broke off"):
        list(engine.decode(QUESTION, [greedy(20)]))


def test_one_that_does_not_answer_at_the_start_joins_when_it_does(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = Mortal(dead=True)
    late, there = Scripted(ANSWER, respond=ill.respond), Scripted(ANSWER)
    engine = cluster(late, there, concurrency=1)
    monkeypatch.setattr(replicas, "LONGEST_PAUSE", 0.0)
    engine.load()
    assert engine.limits.startswith("1 of 2 servers answer. The server at ")
    ill.dead = False
    assert engine.chat(QUESTION, greedy(20)).text == "It is Oslo"
    assert (asked(late), asked(there)) == (1, 0)
    assert (engine.limits, engine.slots) == ("", 2)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Scripted(ANSWER, models=("another",)), "has no model 'm'"),
        (Scripted([entry("The", -0.2, {"The": -0.2, "It": -2.0})]), "is no replica of .* another one"),
        (Scripted([entry("It", -0.2, {"It": -0.2, "A": -3.0, "B": -3.0})]), "alternatives is 3, not 2"),
    ],
    ids=["name", "model", "capabilities"],
)
def test_servers_that_differ_are_refused(cluster: Cluster, other: Scripted, words: str) -> None:
    engine = cluster(Scripted(ANSWER), other)
    with pytest.raises(ModelError, match=words):
        engine.load()
    assert not engine.is_loaded


def test_a_run_asks_every_question_once_though_a_server_dies(cluster: Cluster, tmp_path: Path) -> None:
    dying, steady = Scripted(ANSWER, respond=Mortal(answers=7).respond), Scripted(ANSWER)
    engine = cluster(dying, steady, concurrency=3)
    (tmp_path / "datasets").mkdir()
    lines = [{"id": f"q{at}", "question": f"Where is {at}?", "answers": ["Oslo"]} for at in range(24)]
    (tmp_path / "datasets" / "places.jsonl").write_text("".join(json.dumps(it) + "\n" for it in lines))
    settings = load_settings([f"home={tmp_path}", "ask.n_samples=2", "grounding.verify=false"])
    workbench = Workbench(settings, engine, Store(tmp_path / "codex.duckdb"))
    try:
        assert callers_for(engine) == 6
        summary = run(workbench, prepare(workbench, "places").id)
        assert (summary.done, summary.correct, summary.failed) == (24, 24, 0)
        assert dying.seen
        ids = [record.id for record in workbench.store.runs.records(summary.run.id)]
        assert sorted(ids) == sorted(it["id"] for it in lines)
        assert workbench.model.status.limits.startswith("1 of 2 servers answer.")
    finally:
        workbench.close()
