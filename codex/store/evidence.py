"""The evidence of a step as JSON, and back: passages, grounding, verdict and similarity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from codex.store.config import Privacy
from codex.types import Alternative, Grounding, Observation, Passage, Similarity, Stance, Support, Verdict

EVIDENCE_COLUMNS = ("passages", "grounding", "verdict", "similarity")


def evidence_row(observation: Observation, privacy: Privacy) -> dict[str, str | None]:
    """EVIDENCE_COLUMNS of a step: column -> JSON, None where there is nothing.

    A passage tells what was asked, so its text is kept under "full" only; its place is always kept.
    """
    passages = [_passage(passage, privacy) for passage in observation.passages]
    grounding, verdict, similarity = observation.grounding, observation.verdict, observation.similarity
    return {
        "passages": _json(passages) if passages else None,
        "grounding": _json(grounding_row(grounding)) if grounding else None,
        "verdict": _json(verdict_row(verdict)) if verdict else None,
        "similarity": _json(similarity_row(similarity)) if similarity else None,
    }


def evidence_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the observation that EVIDENCE_COLUMNS hold."""
    passages, grounding, verdict, similarity = (
        json.loads(row[column]) if row[column] else None for column in EVIDENCE_COLUMNS
    )
    return {
        "passages": tuple(Passage(**passage) for passage in passages or ()),
        "grounding": grounding_of(grounding) if grounding else None,
        "verdict": verdict_of(verdict) if verdict else None,
        "similarity": similarity_of(similarity) if similarity else None,
    }


def finite(value: float | None) -> float | None:
    """A number that is none is kept as missing, never as NaN or infinity."""
    return value if value is not None and math.isfinite(value) else None


def _json(value: object) -> str:
    # Half a character is left as it is: the database refuses it, as it does in every other text.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _passage(passage: Passage, privacy: Privacy) -> dict[str, object]:
    return asdict(passage) | {
        "text": passage.text if privacy == "full" else "",
        "scores": {name: score for name, score in passage.scores.items() if math.isfinite(score)},
    }


def grounding_row(grounding: Grounding) -> dict[str, object]:
    sentences = [
        asdict(sentence)
        | {"probability": finite(sentence.probability), "contradiction": finite(sentence.contradiction)}
        for sentence in grounding.sentences
    ]
    return asdict(grounding) | {"sentences": sentences}


def grounding_of(kept: dict[str, Any]) -> Grounding:
    sentences = tuple(
        Support(
            **sentence
            | {
                "stance": Stance(sentence["stance"]),
                "quote": tuple(sentence["quote"]) if sentence["quote"] else None,
            }
        )
        for sentence in kept["sentences"]
    )
    return Grounding(**kept | {"sentences": sentences})


def verdict_row(verdict: Verdict) -> dict[str, object]:
    alternatives = [
        asdict(alternative) | {"bytes": alternative.bytes.hex()}
        for alternative in verdict.alternatives
        if math.isfinite(alternative.logprob)
    ]
    return asdict(verdict) | {"alternatives": alternatives}


def verdict_of(kept: dict[str, Any]) -> Verdict:
    alternatives = tuple(
        Alternative(**alternative | {"bytes": bytes.fromhex(alternative["bytes"])})
        for alternative in kept["alternatives"]
    )
    return Verdict(**kept | {"alternatives": alternatives})


def similarity_row(similarity: Similarity) -> dict[str, object]:
    return {
        "method": similarity.method,
        "matrix": [[finite(value) for value in row] for row in similarity.matrix],
        "classes": similarity.classes,
        "seconds": similarity.seconds,
    }


def similarity_of(kept: dict[str, Any]) -> Similarity:
    matrix = tuple(tuple(math.nan if value is None else value for value in row) for row in kept["matrix"])
    return Similarity(**kept | {"matrix": matrix, "classes": tuple(kept["classes"])})
