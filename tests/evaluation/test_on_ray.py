"""What a run on a cluster is made of, without one; `python -m tests.bench.on_ray` runs it whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.errors import Busy, CodexError, Conflict, InvalidInput, ModelError
from codex.evaluation.on_ray import Share, received, sent, share_of
from codex.grounding.reliability import Reliabilities
from codex.settings import EngineSettings, load_settings
from codex.types import Reliability
from tests.support.records import make_record

NODES = ({"CPU": 16.0, "memory": 1e9}, {"CPU": 6.0, "GPU": 2.0})


def engine(*overrides: str) -> EngineSettings:
    return load_settings(overrides).engine


@pytest.mark.parametrize(
    ("overrides", "workers", "share"),
    [
        (("engine=llama_cpp", "engine.threads=4"), None, Share(5, 4, 0)),
        (("engine=llama_cpp", "engine.threads=4"), 2, Share(2, 4, 0)),
        (("engine=llama_cpp", "engine.threads=4"), 8, Share(8, 2, 0)),
        (("engine=llama_cpp", "engine.threads=64"), None, Share(1, 16, 0)),
        (("engine=llama_cpp", "engine.gpu_layers=-1"), None, Share(2, 1, 1)),
        (("engine=huggingface",), 1, Share(1, 1, 1)),
        (("engine=huggingface", "engine.device=cpu", "engine.threads=8"), None, Share(2, 8, 0)),
        (("engine=openai_api", "engine.model_path=m"), None, Share(1, 1, 0)),
    ],
)
def test_as_many_workers_as_fit(overrides: tuple[str, ...], workers: int | None, share: Share) -> None:
    assert share_of(engine(*overrides), NODES, workers) == share


@pytest.mark.parametrize(
    ("override", "says"), [("engine=llama_cpp", "22 processors"), ("engine=huggingface", "2 GPUs")]
)
def test_more_workers_than_fit_are_refused(override: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        share_of(engine(override), NODES, 23)


def test_a_record_comes_back_whole() -> None:
    record = make_record(3)
    assert received(sent(record)) == record


@pytest.mark.parametrize(
    ("error", "kind"), [(Conflict("Other model"), Conflict), (Busy("Too much to do", 7), ModelError)]
)
def test_an_error_comes_back_with_the_machine_that_it_is_of(
    error: CodexError, kind: type[CodexError]
) -> None:
    with pytest.raises(kind, match=rf"^{error} \(Ray worker on ") as raised:
        received(sent(error))
    assert type(raised.value) is kind


def test_what_was_measured_here_need_not_be_measured_there(tmp_path: Path) -> None:
    here, there = Reliabilities(tmp_path / "here"), Reliabilities(tmp_path / "there")
    assert here.files() == {}
    here.keep("judge a", Reliability(0.7, 0.6, 0.8, 100, "f"))
    here.keep("judge b", Reliability(0.6, 0.5, 0.7, 100, "f"))
    there.keep("judge b", Reliability(0.9, 0.8, 1.0, 100, "f"))
    there.add(here.files())
    assert there.get("judge a") == here.get("judge a")
    assert there.get("judge b").auroc == 0.9
    assert sorted(path.suffix for path in there.folder.iterdir()) == [".json", ".json"]
