"""Weights as a pickle are never read: a pickle is a program."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from codex.engines.base import ModelConfig
from codex.engines.huggingface.loading import HuggingFaceConfig, load_model
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models
from codex.errors import ModelError
from tests.support.tiny_llama import tiny_folder


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "adapter_model.bin"])
def test_a_folder_with_a_pickle_is_refused(name: str, tmp_path: Path) -> None:
    folder, ran = tiny_folder(tmp_path / "model"), tmp_path / "it ran"
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    (folder / name).write_bytes(pickle.dumps(Runs(ran)))
    with pytest.raises(ModelError):
        load_model(HuggingFaceConfig(dtype="float32", device="cpu", threads=1), folder, tmp_path)
    assert not ran.exists()


def test_a_pickle_under_the_name_of_a_gguf_file_is_refused(tmp_path: Path) -> None:
    file, ran = tmp_path / "model.gguf", tmp_path / "it ran"
    file.write_bytes(pickle.dumps(Runs(ran)))
    with pytest.raises(ModelError, match="is not a GGUF file"):
        LlamaCppEngine(ModelConfig(model_path=str(file)), Models(tmp_path)).load()
    assert not ran.exists()


def test_it_would_run_where_it_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Runs(tmp_path / "it ran")))
    assert (tmp_path / "it ran").exists()
