"""A cross-encoder trained on natural language inference as the judge of the evidence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codex.errors import ModelError
from codex.grounding.judges import PROBABLE, Finding, LexicalJudge, Thresholds, statement
from codex.retrieval.embedding import model_folder, placed
from codex.types import Passage

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

SETTING = "grounding.nli_model"


class _Labels(NamedTuple):
    """Where the model puts what is wanted of it."""

    entailment: int
    contradiction: int | None
    """None: it only tells entailment from the rest."""


class NliJudge:
    """Whether a passage entails a sentence, read by one model of both. Thread-safe: sentences come in turn.

    Each passage is a premise as a whole. The support is the best passage's; the contradiction is the
    highest of any, and comes at no cost.
    """

    thresholds: Thresholds = PROBABLE

    def __init__(self, model: str) -> None:
        """model: a local folder or a Hugging Face name."""
        self._path = model
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        return f"nli {self._path}"

    def load(self) -> None:
        """Raises ModelError: not there, broken, or without a label for entailment."""
        with self._turn:
            _ = self._loaded

    def unload(self) -> None:
        """Give the memory back."""
        with self._turn:
            self.__dict__.pop("_loaded", None)

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        with self._turn:
            model, labels = self._loaded
            pairs = [(passage.text, statement(question, sentence)) for passage in passages]
            found = np.asarray(model.predict(pairs, apply_softmax=True, show_progress_bar=False))
        entailed = found[:, labels.entailment]
        best = int(entailed.argmax())
        place = LexicalJudge().judge(question, sentence, passages[best : best + 1])
        return Finding(
            probability=float(entailed[best]),
            contradiction=None
            if labels.contradiction is None
            else float(found[:, labels.contradiction].max()),
            passage=best,
            quote=place.quote,
        )

    @cached_property
    def _loaded(self) -> tuple[CrossEncoder, _Labels]:
        folder, device = model_folder(self._path, SETTING), placed("auto")
        from sentence_transformers import CrossEncoder

        try:
            model: CrossEncoder = CrossEncoder(str(folder), device=device, local_files_only=True)
            names: dict[int, str] = dict(getattr(model.config, "id2label", {}))
        except Exception as error:
            raise ModelError(f"{SETTING}={self._path} cannot be loaded: {error}.") from error
        return model, _labels(names, self._path)


def _labels(names: dict[int, str], model: str) -> _Labels:
    """Labels come in any order and case, and some models tell only two apart."""

    def place(beginning: str) -> int | None:
        return next((at for at, name in names.items() if name.casefold().startswith(beginning)), None)

    entailment = place("entail")
    if entailment is None or len(names) < 2:
        raise ModelError(
            f"{SETTING}={model} has the labels {', '.join(names.values())}, none of them entailment: it is "
            "no model of natural language inference. Give a cross-encoder that was trained on it."
        )
    return _Labels(entailment, place("contradict"))
