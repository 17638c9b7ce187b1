"""Models of the Hugging Face hub in the models folder, over a hub of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from codex.engines import models
from codex.engines.catalogue import CatalogueModel, catalogue
from codex.engines.memory import cache_token_bytes, estimated_memory, resident_memory
from codex.engines.models import Models
from codex.errors import Cancelled, ModelError
from tests.support.hub import Hub, serving

WEIGHTS = bytes(range(256)) * 4096
"""1 MiB."""
FOLDER = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "consolidated.safetensors": WEIGHTS,
    "README.md": b"about",
    "onnx/model.json": b"{}",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as served:
        served.repositories = {"own/packed": {"It.gguf": WEIGHTS}, "own/whole": FOLDER}
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Models:
    return Models(tmp_path)


def test_a_file_is_fetched_with_progress_and_goes_by_its_name(hub: Hub, home: Models) -> None:
    told: list[tuple[int, int]] = []
    path = home.fetch("own/packed/It.gguf", lambda done, total: told.append((done, total)))
    assert path == home.folder / "It.gguf"
    assert path.read_bytes() == WEIGHTS
    assert told[0] == (0, len(WEIGHTS))
    assert told[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert home.find("It") == path
    assert ("It", True) in {(it.name, it.present) for it in home.list()}


def test_of_a_folder_what_transformers_reads_is_fetched(hub: Hub, home: Models) -> None:
    path = home.fetch("own/whole")
    assert {it.name for it in path.iterdir()} == {"config.json", "model.safetensors"}
    assert home.find("whole") == path
    asked = len(hub.ranges)
    assert home.fetch("whole") == path
    assert len(hub.ranges) == asked


def test_a_cancelled_fetch_resumes_where_it_stopped(hub: Hub, home: Models) -> None:
    hub.breaks_after = 300_000

    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled("no longer wanted")

    with pytest.raises(Cancelled):
        home.fetch("own/packed/It.gguf", cancel)
    assert home.find("It") is None
    assert all(it.name != "It" for it in home.list())
    with pytest.raises(ModelError, match=r"It\.gguf of own/packed broke off.*what is here already stays"):
        home.fetch("own/packed/It.gguf")
    hub.breaks_after = None
    assert home.fetch("own/packed/It.gguf").read_bytes() == WEIGHTS
    resumed = [asked for asked in hub.ranges if asked]
    assert resumed
    assert hub.ranges[-1] == resumed[-1]
    assert {it.name for it in home.folder.iterdir()} <= {"It.gguf", ".fetch.lock"}


def test_another_content_than_the_hub_says_is_not_kept(hub: Hub, home: Models) -> None:
    hub.claims["It.gguf"] = "0" * 64
    with pytest.raises(ModelError, match=r"It\.gguf has SHA-256 .*, not 000.*not used"):
        home.fetch("own/packed/It.gguf")
    assert home.find("It") is None
    del hub.claims["It.gguf"]
    assert home.fetch("own/packed/It.gguf").read_bytes() == WEIGHTS


def test_a_model_of_the_catalogue_is_fetched_by_its_name_and_verified(
    hub: Hub, home: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = next(iter(catalogue().values())).model_copy(
        update={"name": "it", "source": "own/packed/It.gguf", "format": "gguf", "sha256": "1" * 64}
    )
    monkeypatch.setattr(models, "catalogue", lambda: {"it": listed})
    assert ("it", False) in {(it.name, it.present) for it in home.list()}
    with pytest.raises(ModelError, match="not 111"):
        home.fetch("it")
    monkeypatch.setattr(models, "catalogue", lambda: {"it": listed.model_copy(update={"sha256": None})})
    assert home.resolve("it", gguf=True) == home.folder / "it.gguf"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("own/none", "has no model 'own/none'"),
        ("own/packed/other.gguf", r"no file 'other\.gguf'; its GGUF files: It\.gguf"),
        ("own/several", r"2 GGUF files; name one: own/several/a\.gguf, b\.gguf"),
        ("own/empty", "of GGUF none"),
    ],
)
def test_what_the_hub_does_not_have_is_said(hub: Hub, home: Models, source: str, why: str) -> None:
    hub.repositories |= {"own/several": {"a.gguf": b"1", "b.gguf": b"2"}, "own/empty": {"../x.gguf": b""}}
    with pytest.raises(ModelError, match=why):
        home.fetch(source)


def test_another_file_of_that_name_is_not_overwritten(hub: Hub, home: Models) -> None:
    home.folder.mkdir()
    (home.folder / "It.gguf").write_bytes(b"mine")
    with pytest.raises(ModelError, match="is another file than own/packed"):
        home.fetch("own/packed/It.gguf")


def test_a_hub_that_cannot_be_reached_is_said(home: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"the Hugging Face hub cannot be reached.*models folder yourself"):
        home.fetch("own/packed/It.gguf")


def test_the_catalogue_is_of_open_models_of_these_sizes() -> None:
    listed = list(catalogue().values())
    assert len(listed) >= 12
    assert {it.format for it in listed} == {"gguf", "safetensors"}
    assert {it.licence for it in listed} <= {"Apache-2.0", "MIT"}
    assert all(0.5 <= it.parameters <= 8.5 for it in listed)
    assert [it.parameters for it in listed] == sorted(it.parameters for it in listed)
    assert all(_plausible(it) for it in listed)


def _plausible(model: CatalogueModel) -> bool:
    """Two bytes a weight, or four to ten bits; a GGUF source names its file."""
    bits = model.size * 8 / (model.parameters * 1e9)
    packed = model.format == "gguf"
    return (4 < bits < 10 if packed else 15 < bits < 18) and packed == model.source.endswith(".gguf")


def test_memory_is_the_weights_a_tenth_and_a_full_cache(tmp_path: Path) -> None:
    # Qwen2.5 0.5B: 24 layers of 2 heads of 64, keys and values of two bytes.
    config = {
        "num_hidden_layers": 24,
        "num_key_value_heads": 2,
        "num_attention_heads": 14,
        "hidden_size": 896,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    per_token = cache_token_bytes(tmp_path)
    assert per_token == 24 * 2 * 64 * 4 == catalogue()["Qwen2.5-0.5B-Instruct"].token_bytes
    assert estimated_memory(1_000_000, per_token, 100) == 1_100_000 + 100 * per_token
    (tmp_path / "config.json").write_text("{}")
    assert cache_token_bytes(tmp_path) == 0
    resident = resident_memory()
    assert resident is None or resident > 10_000_000
