"""Reranks the candidates with a cross-encoder, which reads query and passage together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from codex.errors import ModelError
from codex.hub import quiet_progress
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import model_folder, placed

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class Reranker:
    """The cross-encoder that config.reranker names, loaded at first use. Thread-safe: queries take turns."""

    def __init__(self, config: RetrievalConfig) -> None:
        self._config = config
        self._turn = threading.Lock()

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Each text's relevance to the query, in the model's unit; higher is better. Raises ModelError."""
        with self._turn:
            pairs = [(query, text) for text in texts]
            found = self._model.predict(pairs, batch_size=self._config.batch_size, show_progress_bar=False)
        return [float(score) for score in found]

    @cached_property
    def _model(self) -> CrossEncoder:
        name = self._config.reranker or ""
        folder = model_folder(name, "retrieval.reranker")
        device = placed(self._config.device)
        from sentence_transformers import CrossEncoder

        try:
            with quiet_progress():
                model: CrossEncoder = CrossEncoder(str(folder), device=device, local_files_only=True)
        except Exception as error:
            raise ModelError(f"The reranker in {folder} cannot be loaded: {error}.") from error
        if model.num_labels != 1:
            raise ModelError(
                f"retrieval.reranker={name} is no reranker: it returns {model.num_labels} scores a passage, "
                "not one. Set a cross-encoder that was trained to rank."
            )
        return model
