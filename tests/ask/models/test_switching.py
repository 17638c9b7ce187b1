"""Another model in place of the loaded one, without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex import engines
from codex.ask.models.switching import engine_settings
from codex.ask.workbench import Workbench
from codex.engines.base import EngineConfig
from codex.errors import Busy, Cancelled, Conflict, InvalidInput, ModelError, NotFound, UnusableModel
from codex.settings import load_settings
from codex.types import TraceEvent
from tests.support.calibrated import calibrator
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually
from tests.support.serving import workbench as opened

WAIT = 10.0
"""Seconds, far more than anything here takes."""


def said(*pieces: str) -> Callable[[str], Script]:
    return lambda prompt: Script(pieces)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A workbench over "first"; whatever else is loaded is a scripted engine, "broken" cannot be."""

    def create(name: str, config: EngineConfig, models: object, key: str | None = None) -> ScriptedEngine:
        failure = ModelError("the file is cut short.") if config.model_path == "broken" else None
        return ScriptedEngine(
            said("Second", "."), model=f"{name}:{config.model_path}:test", failure=failure, loaded=False
        )

    monkeypatch.setattr(engines, "create", create)
    first = ScriptedEngine(said("First", " it", " is", "."), model="scripted:first:test")
    bench = opened(tmp_path, first, "grounding.judge=none")
    yield bench
    bench.close()


def switch(bench: Workbench, model: str = "second", patience: float = WAIT) -> None:
    chosen = bench.settings.engine.model_copy(update={"model_path": model})
    bench.model.switch(chosen, patience)


def test_everything_that_names_or_asks_the_model_follows(bench: Workbench) -> None:
    first = bench.model.engine
    told: list[str] = []
    bench.model.on_switch = lambda settings: told.append(settings.engine.model_path)
    bench.store.calibrators.save("c@1", "c", calibrator(first.fingerprint).model_dump_json())
    bench.active.activate_calibrator("c@1")
    assert bench.model.status.calibrated
    switch(bench)
    status = bench.model.status
    assert (status.state, status.model) == ("ready", bench.model.engine.fingerprint)
    assert status.model == f"{bench.settings.engine.name}:second:test"
    assert told == [bench.settings.engine.model_path] == ["second"]
    assert not status.calibrated
    assert "scripted:first:test" in status.calibration
    assert not first.is_loaded
    trace = bench.answer("Who is it?")
    assert (trace.answer, trace.model) == ("Second.", status.model)
    verdict = trace.last.observation.verdict
    assert verdict is not None
    assert verdict.verifier == status.model
    assert bench.active.origin().model == status.model
    assert bench.texts.tokenize("a bcd") == [1, 3]


def test_running_questions_end_first_and_new_ones_come_back_later(bench: Workbench) -> None:
    asked = bench.ask("Who is it?")
    next(asked)
    changed = threading.Thread(target=switch, args=(bench,))
    changed.start()
    assert eventually(lambda: bench.model.status.state == "loading", WAIT)
    with pytest.raises(Busy, match="second:test is being loaded"):
        bench.answer("Too early?")
    with pytest.raises(Conflict, match="is being loaded already"):
        switch(bench, "third")
    with pytest.raises(Conflict, match="start it again after that"), bench.model.holding("A run"):
        pass
    last = [event.trace for event in asked if isinstance(event, TraceEvent)]
    assert [trace.answer for trace in last] == ["First it is."]
    changed.join(WAIT)
    assert bench.answer("Who is it?").answer == "Second."


def test_a_question_that_does_not_end_keeps_its_model(bench: Workbench) -> None:
    asked = bench.ask("Who is it?")
    next(asked)
    with pytest.raises(Conflict, match="1 requests still use the model after 0 s"):
        switch(bench, patience=0)
    assert bench.model.status.state == "ready"
    assert [event.trace.answer for event in asked if isinstance(event, TraceEvent)] == ["First it is."]


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(bench: Workbench) -> None:
    with pytest.raises(UnusableModel, match=r"broken could not be loaded: the file is cut short\. script"):
        switch(bench, "broken")
    assert (bench.model.status.state, bench.model.status.model) == ("ready", "scripted:first:test")
    assert bench.settings.engine.model_path != "broken"
    assert bench.answer("Who is it?").answer == "First it is."


def test_an_evaluation_refuses_the_change(bench: Workbench) -> None:
    with bench.model.holding("The evaluation 'capitals'"):
        for change in (lambda: switch(bench), bench.model.unload):
            with pytest.raises(Conflict, match="The evaluation 'capitals' needs the loaded model"):
                change()
    switch(bench)


def test_an_unloaded_model_is_loaded_by_the_next_question(bench: Workbench) -> None:
    engine = bench.model.engine
    assert isinstance(engine, ScriptedEngine)
    bench.model.unload()
    assert not engine.loaded
    assert bench.model.status.state == "unloaded"
    bench.model.load()
    assert bench.model.status.state == "ready"


def test_measuring_makes_way(bench: Workbench) -> None:
    """It would otherwise load the model again that was given back."""
    engine = bench.model.engine
    assert isinstance(engine, ScriptedEngine)
    begun, go_on = threading.Event(), threading.Event()
    ended: list[type[BaseException]] = []

    def judge(prompt: str) -> float:
        begun.set()
        go_on.wait(WAIT)
        return 0.5

    def measure() -> None:
        try:
            bench.model.measure(evidence=False)
        except Cancelled as error:
            ended.append(type(error))

    engine.judgement = judge
    measuring, changing = threading.Thread(target=measure), threading.Thread(target=switch, args=(bench,))
    measuring.start()
    assert begun.wait(WAIT)
    changing.start()
    assert eventually(lambda: bench.model.status.state == "loading", WAIT)
    go_on.set()
    measuring.join(WAIT)
    changing.join(WAIT)
    assert ended == [Cancelled]
    assert not engine.loaded


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "whole").mkdir(parents=True)
    (folder / "whole" / "config.json").write_text("{}")
    (folder / "small.gguf").write_bytes(b"GGUF")
    return tmp_path


@pytest.mark.parametrize(
    ("now", "model", "engine", "expected"),
    [
        ("llama_cpp", "small", None, "llama_cpp"),
        ("huggingface", "small", None, "huggingface"),
        ("huggingface", "small", "llama_cpp", "llama_cpp"),
        ("openai_api", "small", None, "llama_cpp"),
        ("llama_cpp", "whole", None, "huggingface"),
    ],
)
def test_the_file_says_which_engine_reads_it(
    models: Path, now: str, model: str, engine: engines.EngineName | None, expected: str
) -> None:
    settings = load_settings([f"home={models}", f"engine={now}", "engine.params.max_tokens=77"])
    chosen = engine_settings(settings, model, engine)
    assert (chosen.name, chosen.model_path, chosen.params.max_tokens) == (expected, model, 77)


def test_a_server_is_named_by_its_address(models: Path) -> None:
    settings = load_settings([f"home={models}", "engine=llama_cpp"])
    chosen = engine_settings(settings, "big", base_url="http://127.0.0.1:9/v1")
    assert chosen.name == "openai_api"
    assert (chosen.model_path, chosen.base_url) == ("big", ("http://127.0.0.1:9/v1",))
    with pytest.raises(InvalidInput, match="base_url cannot be 'nowhere'"):
        engine_settings(settings, "big", base_url="nowhere")
    with pytest.raises(InvalidInput, match="needs the base_url"):
        engine_settings(settings, "big", "openai_api")
    with pytest.raises(InvalidInput, match="leave one out"):
        engine_settings(settings, "big", "llama_cpp", base_url="http://127.0.0.1:9/v1")


def test_no_other_server_gets_a_key(models: Path) -> None:
    here, other = "http://127.0.0.1:9/v1", "http://127.0.0.1:8/v1"
    given = ["engine=openai_api", f"engine.base_url={here}", "engine.api_key_env=MY_KEY"]
    settings = load_settings([f"home={models}", *given])

    def key_of(base_url: str | None, named: str | None = None) -> str:
        chosen = engine_settings(settings, "big", "openai_api", base_url, named)
        assert chosen.name == "openai_api"
        return chosen.api_key_env

    assert key_of(here) == key_of(None) == "MY_KEY"
    assert key_of(other) == ""
    assert key_of(other, "CODEX_KEY_OTHER") == "CODEX_KEY_OTHER"
    with pytest.raises(InvalidInput, match="begins with CODEX_KEY, not in 'OPENAI_API_KEY'"):
        key_of(other, "OPENAI_API_KEY")


def test_a_model_that_is_not_here_is_not_fetched_while_questions_wait(models: Path) -> None:
    settings = load_settings([f"home={models}", "engine=llama_cpp"])
    with pytest.raises(NotFound, match=r"no model 'owner/repo/file\.gguf' on this machine"):
        engine_settings(settings, "owner/repo/file.gguf")
