"""The menu of models, as plain calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex import engines
from codex.ask.workbench import Workbench
from codex.engines.base import EngineConfig
from codex.errors import InvalidInput, NotFound
from codex.jobs import Jobs
from codex.pages.components import Malformed, Sent
from codex.pages.model_menu import ModelMenu
from tests.support.calibrated import calibrator
from tests.support.hub import Hub, serving
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as served:
        yield served


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    def create(name: str, config: EngineConfig, models: object, key: str | None = None) -> ScriptedEngine:
        model = f"{name}:{config.model_path}:test"
        return ScriptedEngine(lambda prompt: Script(["It"]), model=model, loaded=False)

    monkeypatch.setattr(engines, "create", create)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "second.gguf").write_bytes(b"GGUF")
    bench = workbench(tmp_path, ScriptedEngine(lambda prompt: Script(["It"])), "engine=llama_cpp")
    yield bench
    bench.close()


def test_after_a_change_the_menu_says_which_calibrators_hold(bench: Workbench) -> None:
    menu = ModelMenu(bench, Jobs())
    bench.store.calibrators.save("c@1", "c", calibrator("llama_cpp:second:test").model_dump_json())
    assert menu.models({})["active"]["calibrators"] == ()
    shown = menu.change_model(Sent(model=" second ", base_url="", api_key_env=""))
    active = shown["active"]
    assert (active["model"], active["calibrated"]) == ("llama_cpp:second:test", False)
    assert active["calibrators"] == ("c@1",)
    assert menu.unload_model({})["active"]["state"] == "unloaded"


def test_a_server_is_connected_by_its_address(bench: Workbench) -> None:
    url = "http://127.0.0.1:9/v1"
    shown = ModelMenu(bench, Jobs()).change_model(Sent(model="big", base_url=url, api_key_env=""))
    assert (shown["active"]["engine"], shown["active"]["base_url"]) == ("openai_api", url)


def test_a_fetch_shows_how_it_ended(bench: Workbench, hub: Hub) -> None:
    jobs = Jobs()
    menu = ModelMenu(bench, jobs)
    assert menu.models({})["job"] is None
    hub.repositories = {"own/packed": {"Fetched.gguf": b"GGUF"}}
    job = menu.fetch_model({"model": "own/packed/Fetched.gguf"})["job"]
    jobs.wait(job["id"])
    shown = menu.cancel_fetch({"job": job["id"]})["job"]
    assert (shown["state"], shown["summary"]) == ("done", "Fetched.gguf is here")


def test_what_cannot_be_loaded_or_fetched_is_said(bench: Workbench) -> None:
    menu = ModelMenu(bench, Jobs())
    with pytest.raises(NotFound, match="no model 'nowhere'"):
        menu.change_model(Sent(model="nowhere", base_url="", api_key_env=""))
    with pytest.raises(InvalidInput, match="cannot be fetched"):
        menu.fetch_model({"model": "nowhere"})
    with pytest.raises(Malformed):
        menu.change_model(Sent(model="second"))
