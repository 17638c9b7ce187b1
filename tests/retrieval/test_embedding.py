"""The embedding: what it gives, whom it lets in between, and how it fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from codex.errors import ModelError
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import PASS, Embedding, model_folder


def test_the_settings_and_an_unused_index_load_no_model(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from codex.retrieval import Index; "
        "from codex.retrieval.config import RetrievalConfig; "
        f"index = Index(RetrievalConfig(), Path({str(tmp_path)!r})); "
        "assert index.is_empty; index.documents(); index.search('x'); index.close(); "
        "print({'chromadb', 'torch', 'transformers', 'sentence_transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_text_has_the_same_vector_alone_and_among_others(embedding: Embedding) -> None:
    texts = [f"Text {number} " + "with more words " * (number % 7) for number in range(PASS + 5)]
    together = embedding.encode(texts)
    assert np.abs(together[-1] - embedding.encode(texts[-1:])[0]).max() < 1e-4
    assert np.abs(together[0] - embedding.encode(texts[:1])[0]).max() < 1e-4


def test_tokens_are_counted_without_a_limit(embedding: Embedding) -> None:
    assert embedding.count("hello world") == 2
    assert embedding.count("word " * 5000) == 5000
    assert embedding.max_tokens == 254


def test_a_question_does_not_wait_for_all_texts_of_an_indexing(embedding: Embedding) -> None:
    ended: list[str] = []
    many = threading.Thread(
        target=lambda: (embedding.encode(["some words"] * PASS * 40), ended.append("many"))
    )
    many.start()
    time.sleep(0.05)
    embedding.encode(["a question"])
    ended.append("question")
    many.join()
    assert ended == ["question", "many"]


def test_the_fingerprint_is_of_the_files_and_not_of_their_place(tmp_path: Path, embedding: Embedding) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(embedding.folder, copy)
    same = Embedding(RetrievalConfig(embedding=str(copy)))
    assert same.identity.fingerprint == embedding.identity.fingerprint
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    changed = Embedding(RetrievalConfig(embedding=str(copy)))
    assert changed.identity.fingerprint != embedding.identity.fingerprint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/no/such/folder", "there is no such folder"),
        ("misspelt", "there is no such folder"),
        ("owner/model", "not on this machine.*path of a folder"),
    ],
)
def test_a_missing_embedding_is_said_with_what_to_do(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=rf"retrieval\.embedding={name}.*{message}"):
        model_folder(name, "retrieval.embedding")


def test_a_broken_embedding_is_said_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        Embedding(RetrievalConfig(embedding=str(tmp_path))).encode(["x"])
    (tmp_path / "config.json").write_text("{}")
    broken = Embedding(RetrievalConfig(embedding=str(tmp_path)))
    with pytest.raises(ModelError, match=rf"{tmp_path} cannot be loaded.*retrieval\.embedding"):
        broken.encode(["x"])
    broken.close()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_said() -> None:
    embedding = Embedding(RetrievalConfig(device="cuda"))
    with pytest.raises(ModelError, match=r"retrieval\.device=cuda.*no CUDA device"):
        embedding.encode(["x"])
    embedding.close()
