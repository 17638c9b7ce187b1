"""Readouts of a trained verifier: the file of their weights, and what they tell of an answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from codex.engines.base import Engine
from codex.errors import AdapterError
from codex.grounding.trained import InUse, parts
from codex.signals.probes import Probe
from codex.text import sha256
from codex.types import Alternative, Message

FILE = "readouts.json"
"""In the verifier's folder."""
NO_TOKEN = -1
"""The id of True and False where a readout told how likely they are, and no token was drawn."""


class Readouts(BaseModel):
    """The readouts of a verifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    """Raised when a newer one means something else."""
    parts: dict[str, Probe]
    """By name of the part: see `parts`. Each reads the last token of the verifier's prompt."""


def read_out(
    engine: Engine,
    prompt: Sequence[Message],
    in_use: InUse,
    question: str,
    cancel: threading.Event | None = None,
) -> tuple[Alternative, Alternative]:
    """How likely True and False are, by the readout that was not trained on the question; likeliest first.

    prompt: the verifier's. Raises AdapterError where the weights are missing, damaged or do not fit;
    CapabilityError where the prompt is longer than the engine shows states of; PromptTooLong, ModelError,
    Cancelled.
    """
    readout = _kept(in_use.folder / FILE, in_use.verifier.weights, in_use.verifier.folds).parts[
        in_use.part(question)
    ]
    states = engine.read_states(prompt, (), (readout.layer,), cancel)
    probability = readout.probability(states, ())
    if probability is None:
        raise AdapterError(
            f"The readout {in_use.verifier.version} reads {len(readout.weights) // 4} values of layer "
            f"{readout.layer}, and {engine.fingerprint} shows {states.prompt.shape[-1]} of layer "
            f"{', '.join(map(str, states.layers))}. Train it again with this model."
        )
    told = (
        Alternative(NO_TOKEN, b"True", math.log(probability)),
        Alternative(NO_TOKEN, b"False", math.log1p(-probability)),
    )
    return told if probability >= 0.5 else told[::-1]


def read_readouts(file: Path, weights: str, folds: int) -> Readouts:
    """The readouts of a file, all of them. weights: its SHA-256. Raises AdapterError."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise AdapterError(f"{file} is not there. Train the verifier again.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AdapterError(f"{file} cannot be read: {error}. Train the verifier again.") from error
    damaged = AdapterError(f"{file} is damaged: its content is not what was saved. Train the verifier again.")
    if sha256(text) != weights:
        raise damaged
    try:
        found = Readouts.model_validate_json(text)
    except ValidationError as error:
        raise damaged from error
    if set(found.parts) != set(parts(folds)):
        raise damaged
    return found


# What a SHA-256 names never changes; a file that is deleted meanwhile is as an adapter that is loaded.
_kept = lru_cache(maxsize=8)(read_readouts)
