"""Stored answers of two models, where the folder with them is at hand; see `frozen_answers`."""

from __future__ import annotations

import gzip
import json
import os
import string
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rankdata

from codex.signals import compute
from codex.types import Alternative, Generation, Observation, Passage, Token, Verdict

FILES = ("qwen15-triviaqa", "qwen15-countries", "qwen15-arithmetic", "smol-countries")


@lru_cache
def frozen_answers(name: str) -> tuple[list[dict[str, float | None]], NDArray[np.bool_]]:
    """Signals of each answer in a file, and whether it is right; skips where the folder is absent."""
    sibling = Path(__file__).parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("CODEX_SHARED_DATA", sibling)) / "frozen" / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} under CODEX_SHARED_DATA or ../shared/data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    signals = [compute(_observation(row)) for row in rows]
    return signals, np.array([_is_right(row["greedy"]["text"], row["answers"]) for row in rows])


def auroc(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Chance that a right answer scores above a wrong one; ties count half."""
    n = int(right.sum())
    wins = rankdata(scores)[right].sum() - n * (n + 1) / 2
    return float(wins / (n * (len(right) - n)))


def _observation(row: dict[str, Any]) -> Observation:
    context = row["context"]
    likely = tuple(Alternative(-1, text.encode(), logprob) for text, logprob in row["p_true_top"])
    return Observation(
        row["question"],
        _generation(row["greedy"]),
        tuple(_generation(sample) for sample in row["samples"]),
        passages=(Passage(row["id"], row["id"], row["id"], context, 0, len(context)),) if context else (),
        verdict=Verdict(likely, "plain", "", seconds=0.0),
    )


def _generation(stored: dict[str, Any]) -> Generation:
    # The end-of-sequence token is stored with an empty text, and is not part of a Generation.
    tokens = tuple(
        Token(token[0], token[1].encode(), token[2], alternatives=_alternatives(*token[3:]))
        for token in stored["tokens"]
        if token[1]
    )
    return Generation(stored["text"], tokens, "stop", prompt_tokens=0, seconds=0.0)


def _alternatives(stored: list[tuple[int, str, float]] | None = None) -> tuple[Alternative, ...]:
    return tuple(Alternative(id_, text.encode(), logprob) for id_, text, logprob in stored or [])


def _is_right(answer: str, accepted: list[str]) -> bool:
    """Whether a normalised accepted answer is contained in the answer as whole words."""
    said = f" {_plain(answer)} "
    return any(plain and f" {plain} " in said for plain in map(_plain, accepted))


def _plain(text: str) -> str:
    spaced = "".join(" " if c in string.punctuation else c for c in text.lower())
    return " ".join(word for word in spaced.split() if word not in {"a", "an", "the"})
