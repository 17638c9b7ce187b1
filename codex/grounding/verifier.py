"""The verifier asks the model whether an answer is correct, and keeps the distribution of its first word."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Literal

from codex.engines.base import Engine
from codex.prompts import judging
from codex.signals.text import normalise
from codex.types import Message, Observation, Verdict

Form = Literal["plain", "candidates"]
MOST_CANDIDATES = 10
"""Samples shown to the verifier; more would fill small contexts and say little more."""


def verify(
    engine: Engine,
    observation: Observation,
    conversation: Sequence[Message],
    form: Form,
    cancel: threading.Event | None = None,
) -> Verdict:
    """P(True) of Kadavath et al. 2022, arXiv:2207.05221; one call of the engine.

    conversation: what the answer continued, so that the engine's cache holds it. Where there are no
    samples to show, the verdict is in the plain form.
    """
    started = time.perf_counter()
    answer = observation.generation.text
    shown = _different([it.text for it in observation.samples]) if form == "candidates" else []
    prompt = judging.verify(conversation, answer, shown)
    token = engine.next_token(prompt, cancel)
    return Verdict(
        alternatives=token.alternatives,
        form="candidates" if shown else "plain",
        verifier=engine.fingerprint,
        seconds=time.perf_counter() - started,
    )


def _different(texts: Sequence[str]) -> list[str]:
    """The texts that say different words, in order, on one line each."""
    first = {normalise(text): " ".join(text.split()) for text in reversed(texts) if text.strip()}
    return list(reversed(first.values()))[:MOST_CANDIDATES]
